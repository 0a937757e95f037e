//! Five inputs that arrive in any order, one of them by an event whose key is another: the outputs
//! are the same, and no module is called twice.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::host::{Answer, Host};

const PIPELINE: &str = r#"{ "name": "order", "source": "in orderId: String\nin userId: String\nin approved: Boolean\nin note: String\n@event(\"payment.received\", key: orderId)\nin payment: { amount: Float, method: String }\norder = GetOrder(orderId)\nuser = GetUser(userId)\nreceipt = Send(\"${user.name}: ${payment.method}, ${note}\")\nout order\nout receipt when approved\nout paid = payment.amount" }"#;

/// The requests by which the inputs arrive; the first is the event.
const ARRIVALS: [&str; 5] = [
    r#"{ "type": "payment.received", "key": "o-1", "data": { "amount": 9.5, "method": "card", "bank": "x" } }"#,
    r#"{ "inputs": { "orderId": "o-1" } }"#,
    r#"{ "inputs": { "userId": "u-1" } }"#,
    r#"{ "inputs": { "approved": true } }"#,
    r#"{ "inputs": { "note": "thank you" } }"#,
];

async fn host() -> Host {
    let host = Host::start().await;
    let compiled = host.post("/compile", PIPELINE).await;
    assert_eq!(compiled.status, 200, "{}", compiled.body);
    host
}

/// The path of an execution that has nothing yet.
async fn started(host: &Host) -> String {
    let started = host.post("/execute", r#"{ "ref": "order" }"#).await;
    assert_eq!((started.status, started.text("status")), (202, "Suspended".to_owned()));
    started.header("location").expect("a location").to_owned()
}

async fn arrive(host: &Host, path: &str, arrival: usize, headers: &[(&str, &str)]) -> Answer {
    let resume = format!("{path}/resume");
    let path = if arrival == 0 { "/events" } else { &resume };
    host.post_with(path, headers, ARRIVALS[arrival]).await
}

/// The end is always the same: outputs, and one call of every module.
async fn assert_completed(host: &Host, path: &str, order: &[usize]) {
    let answer = host.get(&format!("{path}?wait=30")).await;
    assert_eq!(answer.text("status"), "Completed", "{order:?}: {}", answer.body);
    let outputs = json!({
        "order": { "id": "o-1", "state": "open" },
        "paid": 9.5,
        "receipt": "Alice: card, thank you",
    });
    assert_eq!(answer.json()["outputs"], outputs, "{order:?}");
    let id = path.trim_start_matches("/executions/");
    let calls = host.modules.calls().into_iter().filter(|call| call.key.starts_with(id));
    let mut modules: Vec<&str> = calls.map(|call| call.module).collect();
    modules.sort_unstable();
    assert_eq!(modules, ["GetOrder", "GetUser", "Send"], "{order:?}");
    assert_eq!(host.get("/events").await.json()["items"], Value::Array(Vec::new()), "{order:?}");
}

/// All orders of `left` behind `taken`.
fn orders(taken: &[usize], left: &[usize]) -> Vec<Vec<usize>> {
    if left.is_empty() {
        return vec![taken.to_vec()];
    }
    let with = |next: &usize| {
        let others: Vec<usize> = left.iter().copied().filter(|one| one != next).collect();
        orders(&[taken, &[*next]].concat(), &others)
    };
    left.iter().flat_map(with).collect()
}

#[tokio::test]
async fn one_by_one_in_every_order() {
    let host = host().await;
    let orders = orders(&[], &[0, 1, 2, 3, 4]);
    assert_eq!(orders.len(), 120);
    for order in &orders {
        let path = started(&host).await;
        for (at, arrival) in order.iter().enumerate() {
            let answer = arrive(&host, &path, *arrival, &[]).await;
            let is_last = at + 1 == order.len() && *arrival != 0;
            let expected = if is_last { 200 } else { 202 };
            assert_eq!(answer.status, expected, "{order:?}: {}", answer.body);
            if *arrival == 0 {
                let listens = order[..at].contains(&1);
                assert_eq!(answer.json()["kept"], !listens, "{order:?}");
            }
        }
        assert_completed(&host, &path, order).await;
    }
}

#[tokio::test]
async fn all_at_once() {
    let host = host().await;
    // Requests are taken up in the order in which they are sent, more or less.
    for order in orders(&[], &[0, 1, 2, 3, 4]).iter().step_by(5) {
        let path = started(&host).await;
        let answers = join_all(order.iter().map(|at| arrive(&host, &path, *at, &[]))).await;
        for answer in answers {
            assert!(matches!(answer.status, 200 | 202), "{order:?}: {}", answer.body);
        }
        assert_completed(&host, &path, order).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_at_once_each_of_them_twice() {
    let host = host().await;
    for round in 0..25 {
        let path = started(&host).await;
        let keys: Vec<String> = (0..5).map(|at| format!("{round}-{at}")).collect();
        let send = async |at: usize| {
            let headers = [("Idempotency-Key", keys[at].as_str())];
            arrive(&host, &path, at, &headers).await
        };
        let order = [0, 1, 2, 3, 4, 4, 3, 2, 1, 0];
        for answer in join_all(order.iter().map(|at| send(*at))).await {
            assert!(matches!(answer.status, 200 | 202 | 409), "{}", answer.body);
            let in_progress = "/problems/request-in-progress";
            assert!(answer.status != 409 || answer.text("type") == in_progress, "{}", answer.body);
        }
        assert_completed(&host, &path, &order).await;
    }
}
