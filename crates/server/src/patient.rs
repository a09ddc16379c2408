//! [`Patient`]: a request's body that does not wait for ever for a client that is gone.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body that ends with an error once nothing has come for a while.
pub(crate) struct Patient {
    body: Body,
    patience: Duration,
    /// Runs while something is waited for.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Nothing came for too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Silent(Duration);

impl Patient {
    /// `body`, with so much patience between two pieces of it.
    pub fn new(body: Body, patience: Duration) -> Self {
        Self { body, patience, alarm: None }
    }
}

impl hyper::body::Body for Patient {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let patience = self.patience;
        ready!(self.alarm.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Some(Err(Silent(patience).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "nothing came for {:?}", self.0)
    }
}

impl std::error::Error for Silent {}
