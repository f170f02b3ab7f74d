//! A connection that keeps the first bytes that were read from it, and is otherwise as it was.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::probe::{http2::FRAME_HEAD, stream::Stream};

/// A connection whose first bytes are kept.
pub(super) struct WithHead {
    stream: Stream,
    head: Arc<OnceLock<Vec<u8>>>,
}

impl WithHead {
    /// Keeps what the first read brings.
    pub(super) fn of(stream: Stream) -> (Self, Arc<OnceLock<Vec<u8>>>) {
        let head = Arc::default();
        (Self { stream, head: Arc::clone(&head) }, head)
    }
}

impl AsyncRead for WithHead {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        self.head.get_or_init(|| into.filled()[before..].iter().take(FRAME_HEAD).copied().collect());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WithHead {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
