//! Clients that begin and then say nothing: nobody waits for them for ever.

use std::{net::SocketAddr, time::Duration};

use server::Limits;
use testkit::World;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything here may take.
const LONG: Duration = Duration::from_secs(20);

/// Another server on the same engine, within its own limits.
async fn serve(world: &World, limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<std::io::Result<()>>) {
    let router = server::router(server::App::new(world.engine.clone(), ""));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server::serve_within(limits, listener, router, async { drop(stopped.await) });
    (address, stop, tokio::spawn(serving))
}

/// Sends the head of a request for 100 bytes, and only four of them.
async fn begin(address: SocketAddr, request: &str, token: Option<&str>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!("{request} HTTP/1.1\r\nHost: x\r\n{token}Content-Length: 100\r\n");
    let kind = if request.contains("/manifests/") { "vnd.oci.image.manifest.v1+json" } else { "json" };
    let whole = format!("{head}Content-Type: application/{kind}\r\n\r\n{{\"a\"");
    stream.write_all(whole.as_bytes()).await.expect("it is sent");
    stream
}

/// All that the server says before it closes the connection.
async fn answer(mut stream: TcpStream) -> String {
    let mut whole = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut whole)).await.expect("the server waits for ever");
    drop(read);
    String::from_utf8_lossy(&whole).into_owned()
}

/// Begins an upload; the path of it.
async fn upload(world: &World) -> String {
    let url = format!("{}/v2/shop/web/blobs/uploads/", world.url);
    let begun = world.http().post(url).bearer_auth(&world.admin).send().await.expect("the server answers");
    begun.headers()["location"].to_str().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_ends_the_request() {
    let world = World::begin().await;
    let limits = Limits { connections: 1, silence: Duration::from_millis(200), ..Limits::default() };
    let (address, _stop, _serving) = serve(&world, limits).await;
    let path = upload(&world).await;
    let admin = Some(world.admin.as_str());
    for (request, token, status) in [
        ("POST /v2/token", None, "400"),
        ("POST /v1/holds", admin, "400"),
        ("PUT /v2/shop/web/manifests/latest", admin, "400"),
        (
            "POST /v2/shop/web/blobs/uploads/?digest=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            admin,
            "400",
        ),
        (&format!("PATCH {path}"), admin, "400"),
        (
            &format!("PUT {path}?digest=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            admin,
            "400",
        ),
    ] {
        // Each gets in only once the connection before is over, since there is room for one.
        let said = answer(begin(address, request, token).await).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {said}");
        assert!(said.contains("nothing came for 200ms"), "{request} says why: {said}");
    }
    let url = format!("{}{path}", world.url);
    let status = world.http().get(url).bearer_auth(&world.admin).send().await.expect("the server answers");
    assert_eq!(status.headers()["range"], "0-7", "what came is kept");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_stops_when_it_is_told_to() {
    let world = World::begin().await;
    let limits = Limits { connections: 1, silence: LONG * 10, stop: Duration::from_millis(300), ..Limits::default() };
    let (address, stop, serving) = serve(&world, limits).await;
    let inside = begin(address, "POST /v2/token", None).await;
    let outside = begin(address, "POST /v2/token", None).await;
    // The one inside is served once the form is waited for, which nothing tells from outside; being told to stop early is right, too.
    stop.send(()).expect("the server listens");
    timeout(LONG, serving).await.expect("the server does not stop").expect("it ends").expect("it ends well");
    drop((inside, outside));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_past_a_connection_that_died() {
    let world = World::begin().await;
    let (address, _stop, _serving) = serve(&world, Limits::default()).await;
    let path = upload(&world).await;
    let dead = begin(address, &format!("PATCH {path}"), Some(&world.admin)).await;
    let url = format!("{}{path}", world.url);
    let http = world.http();
    let stands_at = async || {
        let status = http.get(&url).bearer_auth(&world.admin).send().await.expect("the server answers");
        status.headers()["range"].to_str().expect("a range").to_owned()
    };
    timeout(LONG, async { while stands_at().await != "0-3" {} }).await.expect("the first bytes arrive");
    let rest = http.patch(&url).bearer_auth(&world.admin).header("content-range", "4-6").body("xyz");
    let sent = timeout(LONG, rest.send()).await.expect("the dead connection is waited for").expect("an answer");
    assert_eq!(sent.status(), 202);
    let digest = domain::Digest::sha256(b"{\"a\"xyz");
    let done = http.put(format!("{url}?digest={digest}")).bearer_auth(&world.admin);
    let done = timeout(LONG, done.send()).await.expect("it ends").expect("an answer");
    assert_eq!(done.status(), 201);
    let said = answer(dead).await;
    assert!(said.contains("another request goes on with it"), "the dead one is told, if it lives after all: {said}");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_only_found_by_who_began_it_where_it_was_begun() {
    let world = World::begin().await;
    let path = upload(&world).await;
    let request = api::TokenRequest {
        party: "machine:other".parse().expect("a party"),
        grants: vec!["admin@*".parse().expect("a grant")],
        expires: api::Ending::In(domain::Span::from_secs(3600)),
    };
    let other = world.client().issue_token(&request).await.expect("the token is issued").token;
    let elsewhere = path.replace("shop/web", "shop/other");
    let world = world.restart().await;
    for (path, token, expected) in [(&path, &other, 404), (&elsewhere, &world.admin, 404), (&path, &world.admin, 202)] {
        let request = world.http().patch(format!("{}{path}", world.url)).bearer_auth(token).body("bytes");
        assert_eq!(request.send().await.expect("the server answers").status(), expected, "{path}");
    }
}
