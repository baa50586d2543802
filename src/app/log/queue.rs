//! App (layer 6): the queue between those who log and the one thread that writes. It is bounded in
//! bytes; a line that finds no room is dropped and counted, so that a blocked reader of the log
//! blocks nobody (D-18).

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// What a waiting line costs beside its text, bytes, roughly.
const LINE_COST: usize = 64;
/// How many bytes the writing thread hands to the system at once, at most.
const BATCH: usize = 64 * 1024;
/// How long the writing thread lets lines gather once it has written some: under load it is woken,
/// and calls the system, a hundred times a second instead of once a line.
const GATHER: Duration = Duration::from_millis(10);
/// How long a flush waits for a slow reader.
const FLUSH_WAIT: Duration = Duration::from_secs(1);

/// The way into the log. Each write is one whole line; it never blocks and never fails.
#[derive(Clone)]
pub(super) struct Queue {
    sender: Sender<Entry>,
    counts: Arc<Counts>,
    room: usize,
}

enum Entry {
    Line(Vec<u8>),
    /// Everything before it is written: answer.
    Flush(SyncSender<()>),
}

#[derive(Default)]
struct Counts {
    /// Bytes that wait, with [`LINE_COST`] for each line.
    waiting: AtomicUsize,
    lost: AtomicU64,
}

impl Queue {
    /// Starts the thread that writes into `sink`. `room` is in bytes.
    pub(super) fn start(sink: impl Write + Send + 'static, room: usize) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(&receiver, sink, &shared))?;
        Ok(Self { sender, counts, room })
    }

    /// How many lines were dropped.
    pub(super) fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Waits until all lines so far are written, or for [`FLUSH_WAIT`].
    pub(super) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.send(Entry::Flush(done)).is_ok() {
            // Whoever does not read the log by now loses its end.
            let _in_time = wait.recv_timeout(FLUSH_WAIT);
        }
    }

    fn push(&self, line: &[u8]) {
        let cost = line.len() + LINE_COST;
        let before = self.counts.waiting.fetch_add(cost, Ordering::Relaxed);
        let room = before + cost <= self.room;
        if !room || self.sender.send(Entry::Line(line.to_vec())).is_err() {
            self.counts.waiting.fetch_sub(cost, Ordering::Relaxed);
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Queue;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writing thread. It writes all that waits, rests, and ends with the last sender. The first
/// line after a quiet time does not wait.
fn write_all(receiver: &Receiver<Entry>, mut sink: impl Write, counts: &Counts) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(first) = receiver.recv() {
        let (mut lines, mut cost, mut flush) = (0, 0, None);
        for entry in std::iter::once(first).chain(receiver.try_iter()) {
            match entry {
                Entry::Line(line) => {
                    lines += 1;
                    cost += line.len() + LINE_COST;
                    batch.extend_from_slice(&line);
                }
                Entry::Flush(done) => flush = Some(done),
            }
            if flush.is_some() || batch.len() >= BATCH {
                break;
            }
        }
        if sink.write_all(&batch).and_then(|()| sink.flush()).is_err() {
            counts.lost.fetch_add(lines, Ordering::Relaxed);
        }
        let caught_up = batch.len() < BATCH;
        batch.clear();
        // Lines that are being written still take room: they are in memory.
        counts.waiting.fetch_sub(cost, Ordering::Relaxed);
        if let Some(done) = flush {
            // The one who asked may have given up.
            let _heard = done.try_send(());
        }
        if caught_up {
            thread::sleep(GATHER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender};

    /// Takes nothing until it is told to.
    struct Blocked {
        go: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The sender's end opens the gate for good.
            let _open = self.go.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn blocked(room: usize) -> (Queue, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (open, go) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Blocked { go, written: Arc::clone(&written) };
        (Queue::start(sink, room).unwrap(), open, written)
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_but_blocks_nobody() {
        let (queue, open, written) = blocked(100 * (10 + LINE_COST));
        for _ in 0..1_000 {
            queue.push(b"123456789\n");
        }
        assert_eq!(queue.lost(), 900);
        assert!(written.lock().unwrap().is_empty());
        drop(open);
        queue.flush();
        assert_eq!(written.lock().unwrap().len(), 100 * 10);
    }

    #[test]
    fn lines_are_written_in_their_order_once_there_is_room_again() {
        let (queue, open, written) = blocked(2 * (2 + LINE_COST));
        for line in ["a\n", "b\n", "c\n"] {
            queue.push(line.as_bytes());
        }
        drop(open);
        queue.flush();
        queue.push(b"d\n");
        queue.flush();
        assert_eq!(*written.lock().unwrap(), b"a\nb\nd\n");
        assert_eq!(queue.lost(), 1);
    }

    #[test]
    fn a_sink_that_fails_is_counted() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = Queue::start(Full, 1_000).unwrap();
        queue.push(b"a\n");
        queue.flush();
        assert_eq!(queue.lost(), 1);
    }
}
