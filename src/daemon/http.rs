//! The pages on the loopback: `/metrics`, `/livez`, `/readyz`, `/version`. Nothing can be changed here.
//!
//! One thread with a runtime of its own, so that a slow reader of pages never delays a command. A page costs what it takes
//! to render, a connection some 16 KiB. GET and HEAD only; headers, connections and time are capped. No TLS, no login:
//! that is why the configuration takes loopback addresses only.

use super::metrics::Metrics;
use crate::model::{UnixMs, time};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's head: hyper takes no less.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// A request's head has to arrive within this, and an idle connection is closed after it.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// No connection lives longer, whatever it does.
const CONNECTION_WAIT: Duration = Duration::from_secs(300);

/// What the daemon is doing, for `/readyz`. Clones of the `Arc` share it.
#[derive(Debug, Default)]
pub struct Health {
    state: AtomicU8,
    /// The jump that froze the timers, ms: what the clock showed, and where the wall clock is.
    jumped: [AtomicI64; 2],
    full: AtomicBool,
}

/// What the daemon is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The log is being replayed.
    Loading,
    /// Commands and timers run.
    Ready,
    /// The clock jumped: timers wait to be told what to make of it.
    Frozen,
    /// On the way out.
    Stopping,
    /// The disk is full to the last: writes are refused, timers wait.
    Full,
}

impl Health {
    /// Says what the daemon is doing from now on. It begins as [`State::Loading`].
    pub fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Says that timers are frozen because the wall clock jumped.
    pub fn frozen(&self, from: UnixMs, to: UnixMs) {
        self.jumped[0].store(from, Ordering::Relaxed);
        self.jumped[1].store(to, Ordering::Relaxed);
        self.set(State::Frozen);
    }

    /// Why timers are frozen, and what to do.
    fn why_frozen(&self) -> String {
        let [from, to] = [0, 1].map(|n: usize| self.jumped[n].load(Ordering::Relaxed));
        format!(
            "frozen: the wall clock jumped from {} to {}, by more than clock_jump_max; commands go on, timers wait\n\
             CLOCK.ACCEPT: the wall clock is right now; what is due by it fires\n\
             CLOCK.REJECT: the wall clock is wrong; slad goes on with the time before until it is back\n",
            time::rfc3339(from),
            time::rfc3339(to)
        )
    }

    /// Says whether the disk is full to the last; that shows while the daemon would be ready otherwise.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// What the daemon is doing.
    pub fn get(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Loading,
            1 if self.full.load(Ordering::Relaxed) => State::Full,
            1 => State::Ready,
            2 => State::Frozen,
            _ => State::Stopping,
        }
    }
}

/// The running server; dropping it stops it.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens: the port that the system chose, if it was asked to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ended by itself, or a page panicked: either way there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

struct Pages {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Binds, and serves from a thread of its own. The error names the address.
pub fn serve(address: SocketAddr, metrics: Arc<Metrics>, health: Arc<Health>) -> io::Result<Server> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("http {address}: {e}"));
    let listener = TcpListener::bind(address).map_err(named)?;
    listener.set_nonblocking(true).map_err(named)?;
    let address = listener.local_addr().map_err(named)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let pages = Arc::new(Pages { metrics, health });
    let thread = std::thread::Builder::new()
        .name("slad-http".to_owned())
        .spawn(move || runtime.block_on(listen(listener, pages, stopped)))?;
    Ok(Server {
        address,
        stop: Some(stop),
        thread: Some(thread),
    })
}

async fn listen(listener: TcpListener, pages: Arc<Pages>, mut stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(e) => return tracing::error!("http: {e}"),
    };
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => return,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                // Out of descriptors, most likely: trying again at once would only burn the processor.
                tracing::warn!("http: accept: {e}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let pages = pages.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = pages.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WAIT)
                .max_headers(HEADERS_MAX)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service);
            if let Ok(Err(e)) = tokio::time::timeout(CONNECTION_WAIT, connection).await {
                tracing::debug!("http: {e}");
            }
            drop(permit);
        });
    }
}

async fn accept(
    listener: &tokio::net::TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METRICS: HeaderValue = HeaderValue::from_static(prometheus::TEXT_FORMAT);

impl Pages {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD only\n");
            refused
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        // To a HEAD, hyper sends the head alone.
        match request.uri().path() {
            "/metrics" => match self.metrics.render() {
                Ok(text) => page(StatusCode::OK, METRICS, text),
                Err(e) => page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{e}\n")),
            },
            "/livez" => page(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" => match self.health.get() {
                State::Ready => page(StatusCode::OK, TEXT, "ready\n"),
                State::Loading => page(
                    StatusCode::SERVICE_UNAVAILABLE,
                    TEXT,
                    "loading: the log is being replayed\n",
                ),
                State::Frozen => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, self.health.why_frozen()),
                State::Stopping => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "stopping\n"),
                State::Full => page(
                    StatusCode::SERVICE_UNAVAILABLE,
                    TEXT,
                    "full: the disk is, and the reserve is used up; writes are refused, timers wait for room\n",
                ),
            },
            "/version" => page(
                StatusCode::OK,
                JSON,
                concat!(
                    "{\"name\":\"slad\",\"version\":\"",
                    env!("CARGO_PKG_VERSION"),
                    "\"}\n"
                ),
            ),
            _ => page(
                StatusCode::NOT_FOUND,
                TEXT,
                "there are /metrics, /livez, /readyz and /version\n",
            ),
        }
    }
}

fn page(status: StatusCode, kind: HeaderValue, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::super::metrics::{Clock, Labels};
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn server() -> (Server, Arc<Health>) {
        let clock: Clock = Arc::new(|| 0);
        let (metrics, _) = Metrics::new(&Labels::default(), "/".into(), &clock).unwrap();
        let health = Arc::new(Health::default());
        let server = serve("127.0.0.1:0".parse().unwrap(), metrics, health.clone()).unwrap();
        assert_ne!(server.address().port(), 0);
        (server, health)
    }

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(server: &Server, path: &str) -> String {
        ask(
            server,
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        )
    }

    #[test]
    fn pages_say_what_they_should() {
        let (server, health) = server();
        for (path, status, says) in [
            ("/metrics", "200 OK", "slad_build_info{version="),
            ("/metrics", "200 OK", "content-type: text/plain; version=0.0.4"),
            ("/livez", "200 OK", "ok\n"),
            ("/readyz", "503 Service Unavailable", "loading"),
            (
                "/version",
                "200 OK",
                concat!("\"version\":\"", env!("CARGO_PKG_VERSION"), "\""),
            ),
            (
                "/",
                "404 Not Found",
                "there are /metrics, /livez, /readyz and /version",
            ),
            ("/metrics/", "404 Not Found", "there are"),
        ] {
            let answer = get(&server, path);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(says),
                "{path}: {answer}"
            );
        }
        for (state, status, says) in [
            (State::Ready, "200", "ready"),
            (State::Frozen, "503", "CLOCK.ACCEPT"),
            (State::Stopping, "503", "stopping"),
            (State::Full, "503", "full"),
            (State::Loading, "503", "loading"),
        ] {
            match state {
                State::Full => health.set(State::Ready),
                state => health.set(state),
            }
            health.set_full(state == State::Full);
            let answer = get(&server, "/readyz");
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(says),
                "{answer}"
            );
        }
    }

    #[test]
    fn only_reading_is_allowed() {
        let (server, _health) = server();
        let answer = ask(
            &server,
            "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        assert!(
            answer.starts_with("HTTP/1.1 405") && answer.contains("allow: GET, HEAD"),
            "{answer}"
        );
        let head = ask(
            &server,
            "HEAD /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        );
        assert!(
            head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }

    #[test]
    fn what_is_no_request_is_refused_and_others_are_served() {
        let (server, _health) = server();
        let many: String = (0..200).map(|i| format!("X-{i}: y\r\n")).collect();
        let long = "y".repeat(100_000);
        for (request, status) in [
            ("\x16\x03\x01 hello\r\n\r\n".to_owned(), "400"),
            (format!("GET /livez HTTP/1.1\r\n{many}\r\n"), "431"),
            (format!("GET /livez HTTP/1.1\r\nX: {long}\r\n\r\n"), "431"),
        ] {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            // The server may close before it has read everything.
            let _ = stream.write_all(request.as_bytes());
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(String::from_utf8_lossy(&answer[9..]), status);
        }
        let idle: Vec<_> = (0..CONNECTIONS_MAX - 1)
            .map(|_| TcpStream::connect(server.address()).unwrap())
            .collect();
        assert!(get(&server, "/livez").starts_with("HTTP/1.1 200"));
        drop(idle);
    }

    #[test]
    fn a_taken_address_is_named() {
        let (server, health) = server();
        let clock: Clock = Arc::new(|| 0);
        let (metrics, _) = Metrics::new(&Labels::default(), "/".into(), &clock).unwrap();
        let error = serve(server.address(), metrics, health)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(&server.address().to_string()), "{error}");
    }

    #[test]
    fn dropping_it_closes_the_port() {
        let (server, _health) = server();
        let address = server.address();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
