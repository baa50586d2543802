//! Checking names and listing customers (contract §7.4, §7.7).

use serde_json::{Value, json};
use skybridge::fakecloud::Site;
use time::Duration;

use super::{CHECK, CREATE, Desk, LIST, ok};

impl Desk {
    async fn add(&self, id: &str, name: &str) {
        let wish = json!({ "xaccount_id": id, "xaccount_type": "ZXT", "domain_name": name });
        ok(&self.later(CREATE, &wish).await);
    }

    async fn ids(&self, filter: &Value) -> (u64, Vec<String>) {
        let listed = ok(&self.later(LIST, filter).await);
        let infos = listed["customer_infos"].as_array().unwrap();
        let id = |info: &Value| info["xaccount_id"].as_str().unwrap_or("-").to_owned();
        (listed["count"].as_u64().unwrap(), infos.iter().map(id).collect())
    }
}

#[tokio::test]
async fn a_name_is_free_until_somebody_has_it() {
    let desk = Desk::at(Site::Cn);
    let name = json!({ "search_type": "name", "search_value": "shop_one" });
    let free = ok(&desk.post(CHECK, &name).await);
    let due = json!({ "error_code": "CBC.0000", "error_msg": "Success",
        "check_result": "available" });
    assert_eq!(free, due);
    desk.add("c1", "shop_one").await;
    assert_eq!(ok(&desk.post(CHECK, &name).await)["check_result"], "used_by_user");
    let mail = json!({ "search_type": "email", "search_value": "a@b.example" });
    assert_eq!(ok(&desk.post(CHECK, &mail).await)["check_result"], "available");
}

#[tokio::test]
async fn what_cannot_be_a_name_number_or_address_is_refused() {
    let desk = Desk::at(Site::Cn);
    let long = "a".repeat(65);
    for (kind, value, code, about) in [
        ("phone", "1", "CBC.0100", "search_type"),
        ("name", "", "CBC.0100", "search_value"),
        ("name", long.as_str(), "CBC.0100", "search_value"),
        ("name", "_shop", "CBC.0101", "search_value"),
        ("email", "nobody", "CBC.0101", "search_value"),
        ("mobile", "13800000000", "CBC.0101", "search_value"),
        ("mobile", "1086-13800000000", "CBC.0101", "search_value"),
        ("mobile", "0065-13800000000", "CBC.0101", "search_value"),
    ] {
        let body = json!({ "search_type": kind, "search_value": value });
        desk.later(CHECK, &body).await.says(400, code, about);
    }
    let abroad = json!({ "search_type": "mobile", "search_value": "0065-81234567" });
    ok(&Desk::at(Site::Intl).post(CHECK, &abroad).await);
}

#[tokio::test]
async fn customers_come_newest_first_and_page_by_page() {
    let desk = Desk::at(Site::Cn);
    for number in 0..12 {
        desk.add(&format!("c{number:02}"), &format!("shop_{number:02}")).await;
    }
    let (count, first) = desk.ids(&json!({})).await;
    assert_eq!((count, first.len(), first[0].as_str()), (13, 10, "c11"));
    let (count, rest) = desk.ids(&json!({ "offset": 10 })).await;
    assert_eq!((count, rest), (13, vec!["c01".into(), "c00".into(), "cust-0001".into()]));
    let (_, two) = desk.ids(&json!({ "offset": 3, "limit": 2 })).await;
    assert_eq!(two, ["c08", "c07"]);
    assert_eq!(desk.ids(&json!({ "offset": 13 })).await, (13, vec![]));
    for (filter, code, about) in [
        (json!({ "limit": 0 }), "CBC.0101", "limit"),
        (json!({ "limit": 101 }), "CBC.0101", "limit"),
        (json!({ "limit": "10" }), "CBC.0100", "limit"),
        (json!({ "offset": -1 }), "CBC.0100", "offset"),
    ] {
        desk.later(LIST, &filter).await.says(400, code, about);
    }
}

#[tokio::test]
async fn customers_are_filtered_by_name_type_time_and_id() {
    let desk = Desk::at(Site::Cn);
    desk.add("c1", "red_shop").await;
    desk.advance(Duration::HOUR);
    desk.add("c2", "blue_shop").await;
    let id = desk.cloud().accounts()[1].domain_id.clone();
    let all = ["c2", "c1", "cust-0001"];
    for (filter, due) in [
        (json!({ "account_name": "d_s" }), &all[1..2]),
        (json!({ "account_name": "shop" }), &all[..2]),
        (json!({ "customer_id": id }), &all[1..2]),
        (json!({ "customer": "李雷" }), &[]),
        (json!({ "label": "vip" }), &[]),
        (json!({ "association_type": "2" }), &all[..]),
        (json!({ "association_type": "1" }), &[]),
        (json!({ "associated_on_begin": "2026-01-02T04:00:00Z" }), &all[..1]),
        (json!({ "associated_on_end": "2026-01-02T03:04:05Z" }), &all[2..]),
        (json!({ "account_name": "", "customer_id": null }), &all[..]),
    ] {
        assert_eq!(desk.ids(&filter).await.1, due, "{filter}");
    }
    for (filter, code, about) in [
        (json!({ "account_name": "red shop" }), "CBC.0101", "account_name"),
        (json!({ "association_type": "3" }), "CBC.0101", "association_type"),
        (json!({ "associated_on_begin": "2026-01-02" }), "CBC.0101", "associated_on_begin"),
        (json!({ "indirect_partner_id": "i1" }), "CBC.99000037", ""),
    ] {
        desk.later(LIST, &filter).await.says(400, code, about);
    }
}

#[tokio::test]
async fn a_partner_sees_its_own_customers_only() {
    let desk = Desk::at(Site::Cn);
    let neighbour = desk.neighbour();
    desk.add("c1", "red_shop").await;
    assert_eq!(neighbour.ids(&json!({})).await, (1, vec!["cust-0001".to_owned()]));
    let wish = json!({ "xaccount_id": "n1", "xaccount_type": "OTHER" });
    ok(&neighbour.post(CREATE, &wish).await);
    assert_eq!(neighbour.ids(&json!({})).await.1, ["n1", "cust-0001"]);
    assert_eq!(desk.ids(&json!({})).await.1, ["c1", "cust-0001"]);
}

#[tokio::test]
async fn an_item_has_the_fields_of_the_documents() {
    let desk = Desk::at(Site::Cn);
    let code = desk.code("13800000000").await;
    let wish = json!({ "xaccount_id": "c1", "xaccount_type": "ZXT", "domain_name": "red_shop",
        "mobile_phone": "13800000000", "verification_code": code, "cooperation_type": "1" });
    let made = ok(&desk.post(CREATE, &wish).await);
    let listed = ok(&desk.post(LIST, &json!({ "limit": 1 })).await);
    let due = json!({
        "account_name": "red_shop", "customer_id": made["domain_id"],
        "associated_on": "2026-01-02T03:04:06Z", "association_type": "1",
        "verified_status": "-1", "customer_type": -1, "is_frozen": 0, "account_managers": [],
        "customer_level": "V0", "telephone": "13800000000", "country_code": "0086",
        "xaccount_id": "c1", "xaccount_type": "ZXT",
    });
    assert_eq!(listed["customer_infos"][0], due);
}
