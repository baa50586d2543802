// Posts the form of the delivery page. It runs before the page has finished loading, so the browser puts the next
// page in this one's place and the back button does not lead here. The button stays for when nothing happens.
document.getElementById("deliver").submit();
