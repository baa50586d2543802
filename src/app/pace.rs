//! App (layer 6): patience with one connection. A head must arrive in time, a connection may idle
//! only so long, and an answer must be taken; what a handler does between head and answer is none
//! of our business here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::limits;

/// What a connection is doing, shared between its stream and its handler.
#[derive(Clone, Default)]
pub(super) struct Pulse(Arc<AtomicU8>);

/// No byte has come yet.
const SILENT: u8 = 0;
/// Bytes of a head have come, not yet all of them.
const HEAD: u8 = 1;
/// A handler is at work.
const BUSY: u8 = 2;
/// Between an answer and the next head.
const IDLE: u8 = 3;

impl Pulse {
    /// Marks the connection as busy for as long as the result lives.
    pub(super) fn busy(&self) -> Busy {
        self.0.store(BUSY, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn get(&self) -> u8 {
        // One task polls the stream and the handler; the atomic is for the type system only.
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends a connection's being busy when it is dropped.
pub(super) struct Busy(Pulse);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.store(IDLE, Ordering::Relaxed);
    }
}

/// A stream that fails with `TimedOut` when its other end is too slow.
pub(super) struct Paced<S> {
    inner: S,
    pulse: Pulse,
    reading: Patience,
    writing: Patience,
}

impl<S> Paced<S> {
    /// The stream with its patience, beginning with that for the first head.
    pub(super) fn new(inner: S, pulse: Pulse) -> Self {
        Self { inner, pulse, reading: Patience::default(), writing: Patience::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.inner).poll_read(context, buffer);
        let doing = this.pulse.get();
        if read.is_ready() {
            // The first bytes start the time for the head; further ones do not buy more of it.
            if matches!(doing, SILENT | IDLE) {
                this.reading.forget();
                this.pulse.0.store(HEAD, Ordering::Relaxed);
            }
            return read;
        }
        match doing {
            BUSY => {
                this.reading.forget();
                Poll::Pending
            }
            IDLE => this.reading.wait(context, IDLE, limits::IDLE_WAIT),
            _ => this.reading.wait(context, HEAD, limits::HEAD_WAIT),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.writing.observe(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, slices);
        this.writing.observe(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(context);
        this.writing.observe(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(context);
        this.writing.observe(context, shut)
    }
}

/// A timer that is made when it is first needed and set again when what is waited for changes.
#[derive(Default)]
struct Patience {
    timer: Option<Pin<Box<Sleep>>>,
    waiting_for: Option<u8>,
}

impl Patience {
    /// Pending until `limit` after the first call for the same `what`, then the error.
    fn wait<T>(
        &mut self,
        context: &mut Context<'_>,
        what: u8,
        limit: Duration,
    ) -> Poll<io::Result<T>> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if self.waiting_for.replace(what) != Some(what) {
            timer.as_mut().reset(Instant::now() + limit);
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn forget(&mut self) {
        self.waiting_for = None;
    }

    /// What writing came to: progress starts the time anew.
    fn observe<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.forget();
            return result;
        }
        self.wait(context, BUSY, limits::WRITE_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    fn connection() -> (Paced<DuplexStream>, Pulse, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let pulse = Pulse::default();
        (Paced::new(ours, pulse.clone()), pulse, theirs)
    }

    /// Reads until it fails, and gives the seconds that took.
    async fn patience(stream: &mut Paced<DuplexStream>) -> u64 {
        let begun = Instant::now();
        let error = stream.read(&mut [0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_ended() {
        let (mut stream, _pulse, _theirs) = connection();
        assert_eq!(patience(&mut stream).await, limits::HEAD_WAIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn trickling_buys_no_time() {
        let (mut stream, _pulse, mut theirs) = connection();
        theirs.write_all(b"G").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 1);
        let begun = Instant::now();
        let error = loop {
            let mut byte = [0; 1];
            match timeout(Duration::from_secs(1), stream.read(&mut byte)).await {
                Ok(Err(error)) => break error,
                Ok(Ok(_)) => {}
                Err(_) => theirs.write_all(b"E").await.unwrap(),
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), limits::HEAD_WAIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_idle_after_each_answer_and_only_so_long() {
        let (mut stream, pulse, mut theirs) = connection();
        for _ in 0..2 {
            theirs.write_all(b"GET").await.unwrap();
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 3);
            drop(pulse.busy());
            let most = limits::IDLE_WAIT.mul_f64(0.9);
            assert!(timeout(most, stream.read(&mut [0; 16])).await.is_err());
        }
        advance(limits::IDLE_WAIT.mul_f64(0.1)).await;
        assert_eq!(patience(&mut stream).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_at_work_is_not_hurried() {
        let (mut stream, pulse, mut theirs) = connection();
        theirs.write_all(b"GET").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 3);
        let busy = pulse.busy();
        assert!(timeout(Duration::from_hours(1), stream.read(&mut [0; 16])).await.is_err());
        drop(busy);
        assert_eq!(patience(&mut stream).await, limits::IDLE_WAIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_given_up() {
        let (mut stream, _pulse, mut theirs) = connection();
        stream.write_all(&[0; 64]).await.unwrap();
        assert!(timeout(limits::WRITE_WAIT / 2, stream.write_all(&[0; 8])).await.is_err());
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(&[0; 8]).await.unwrap();
        let begun = Instant::now();
        let error = stream.write_all(&[0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), limits::WRITE_WAIT);
    }
}
