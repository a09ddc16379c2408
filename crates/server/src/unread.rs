//! Reads what is left of a request's body before the answer goes out.
//!
//! A server that answers early and closes resets the connection while the client still sends, and the client sees a broken pipe instead of
//! the answer that says what was wrong (RFC 9112, 9.6).

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use http::header;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// How many bytes are read and thrown away at most. A client that goes on after these has its connection closed.
const REST_BYTES_MAX: usize = 64 << 20;
/// How long that takes at most.
const REST_PATIENCE: Duration = Duration::from_secs(5);

/// Lets the request be answered, and then reads the rest of its body.
pub(crate) async fn read_rest(request: Request, next: Next) -> Response {
    // Whoever waits to be asked for the body is not asked for what nobody wants.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let kept = Kept(Arc::new(Mutex::new(body)));
    let response = next.run(Request::from_parts(parts, Body::new(kept.clone()))).await;
    // However that ends, the answer goes out.
    let _ = tokio::time::timeout(REST_PATIENCE, kept.throw_away()).await;
    response
}

/// A body that is read by a handler, and then by us.
#[derive(Clone)]
struct Kept(Arc<Mutex<Body>>);

impl Kept {
    fn with<T>(&self, look: impl FnOnce(Pin<&mut Body>) -> T) -> T {
        look(Pin::new(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    async fn throw_away(mut self) {
        let mut bytes = 0;
        while bytes <= REST_BYTES_MAX && !self.is_end_stream() {
            match std::future::poll_fn(|context| Pin::new(&mut self).poll_frame(context)).await {
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => return,
            }
        }
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| body.poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
