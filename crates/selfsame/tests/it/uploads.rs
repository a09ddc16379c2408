//! Uploads by hand, as the distribution specification has them: in chunks, past a killed server, and mounted from elsewhere.

use super::{
    http::{Answer, send},
    server::Server,
};

fn ask(server: &Server, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send(&server.host(), token, method, path, headers, body).expect("the server answers")
}

#[test]
fn chunks_go_on_where_they_stand_even_after_a_kill() {
    let mut server = Server::start_on(super::COLUMN);
    server.apply_project();
    let admin = server.admin();
    let whole: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let digest = domain::Digest::sha256(&whole);
    let begun = ask(&server, &admin, "POST", "/v2/shop/web/blobs/uploads/", &[], b"");
    assert_eq!(begun.status, 202);
    let upload = begun.header("location").expect("a location").to_owned();
    let chunk = |server: &Server, first: usize, end: usize| {
        let range = format!("{first}-{}", end - 1);
        ask(server, &admin, "PATCH", &upload, &[("Content-Range", &range)], &whole[first..end])
    };
    assert_eq!(chunk(&server, 0, 100_000).status, 202);
    for (first, end) in [(0, 100_000), (100_001, 200_000), (99_999, 100_000)] {
        let refused = chunk(&server, first, end);
        assert_eq!((refused.status, refused.header("range")), (416, Some("0-99999")), "bytes {first} to {end}");
    }
    server.kill();
    server.restart();
    let standing = ask(&server, &admin, "GET", &upload, &[], b"");
    assert_eq!((standing.status, standing.header("range")), (204, Some("0-99999")), "what was acknowledged is there");
    assert_eq!(chunk(&server, 100_000, 200_000).status, 202);
    let range = format!("200000-{}", whole.len() - 1);
    let finish = format!("{upload}?digest={digest}");
    let finished = ask(&server, &admin, "PUT", &finish, &[("Content-Range", &range)], &whole[200_000..]);
    assert_eq!(finished.status, 201, "{finished:?}");
    let read = ask(&server, &admin, "GET", &format!("/v2/shop/web/blobs/{digest}"), &[], b"");
    assert_eq!(read.body, whole);
    let over = ask(&server, &admin, "GET", &upload, &[], b"");
    assert_eq!(over.status, 404, "it is over");
    server.audit();
}

#[test]
fn a_blob_is_mounted_from_where_it_may_be_pulled() {
    let server = Server::start_on(super::COLUMN);
    server.apply_project();
    let admin = server.admin();
    let digest = domain::Digest::sha256(b"a layer");
    let whole = format!("/v2/shop/web/blobs/uploads/?digest={digest}");
    assert_eq!(ask(&server, &admin, "POST", &whole, &[], b"a layer").status, 201);
    let elsewhere = server.token("machine:other", &["publisher@other"]);
    for (token, place, from, status) in [
        (&admin, "shop/two", "&from=shop/web", 201),
        (&admin, "shop/three", "", 201),
        (&admin, "shop/four", "&from=shop/none", 202),
        (&admin, "shop/five", "&from=NOT/valid", 202),
        // Whoever may not pull it there learns nothing and uploads it.
        (&elsewhere, "other/web", "&from=shop/web", 202),
        (&elsewhere, "other/web", "", 202),
    ] {
        let path = format!("/v2/{place}/blobs/uploads/?mount={digest}{from}");
        let mounted = ask(&server, token, "POST", &path, &[], b"");
        assert_eq!(mounted.status, status, "{path}");
        let there = ask(&server, token, "GET", &format!("/v2/{place}/blobs/{digest}"), &[], b"");
        assert_eq!(there.status, if status == 201 { 200 } else { 404 }, "{path}");
    }
    server.audit();
}
