// Posts the notifications one after the other: all but the last unseen, the last as the next page. The last is posted
// before this page has finished loading where it is the only one, so that the back button does not lead here.
const form = document.getElementById("notify");
const before = [...document.querySelectorAll(".before")].map((data) => new URLSearchParams(data.value));
const post = (body) => fetch(form.action, { method: "POST", mode: "no-cors", body }).catch(() => {});
if (before.length === 0) {
  form.submit();
} else {
  before.reduce((done, body) => done.then(() => post(body)), Promise.resolve()).then(() => form.submit());
}
