//! The cheapest answer HTTP can give: a bare axum route over loopback.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::measure::{Group, Outcome, Sample};

const CONNECTIONS: usize = 32;
/// Name of the server's threads; the kernel keeps 15 characters.
const SERVER_THREADS: &str = "bare-axum";
const REQUEST: &[u8] = b"GET /bare HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

pub(crate) fn group() -> Outcome<Group> {
    let (server, address) = serve()?;
    let client = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Group::new().ceiling(
        "bare axum 204 route, 32 connections",
        "requests/s",
        1.0,
        move |limit| {
            // Keeps the server alive as long as the contender.
            let _server = &server;
            client.block_on(drive(address, limit))
        },
    ))
}

/// A server on a runtime of its own, so that its processor time can be told
/// from the client's.
fn serve() -> Outcome<(Runtime, SocketAddr)> {
    let runtime = Builder::new_multi_thread()
        .thread_name(SERVER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let routes = Router::new().route("/bare", get(async || StatusCode::NO_CONTENT));
    runtime.spawn(async move { axum::serve(listener, routes).await });
    Ok((runtime, address))
}

async fn drive(address: SocketAddr, limit: Duration) -> Outcome<Sample> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| error.to_string())?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        streams.push(stream);
    }
    let cpu = server_cpu()?;
    let start = Instant::now();
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn(connection(stream, start, limit));
    }
    let mut operations = 0;
    while let Some(joined) = connections.join_next().await {
        let count = joined.map_err(|error| error.to_string())?;
        operations += count.map_err(|error| error.to_string())?;
    }
    Ok(Sample {
        operations,
        wall: start.elapsed(),
        cpu: server_cpu()?.saturating_sub(cpu),
    })
}

/// One keep-alive connection, one request at a time.
async fn connection(
    mut stream: TcpStream,
    start: Instant,
    limit: Duration,
) -> std::io::Result<u32> {
    let mut operations = 0;
    let mut buffer = [0; 1024];
    while start.elapsed() < limit {
        stream.write_all(REQUEST).await?;
        let mut filled = 0;
        loop {
            let space = buffer.get_mut(filled..).unwrap_or_default();
            let read = stream.read(space).await?;
            filled += read;
            let answer = buffer.get(..filled).unwrap_or_default();
            if read == 0 || !answer.starts_with(b"HTTP/1.1 204") {
                return Err(std::io::Error::other("the bare route did not answer 204"));
            }
            if answer.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        operations += 1;
    }
    Ok(operations)
}

/// Processor time of the server's threads: the first number of `schedstat`, in nanoseconds.
fn server_cpu() -> Outcome<Duration> {
    let mut total = Duration::ZERO;
    let threads = fs::read_dir("/proc/self/task").map_err(|error| error.to_string())?;
    for thread in threads.flatten() {
        let folder = thread.path();
        let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        if name.trim_end() == SERVER_THREADS {
            let times = fs::read_to_string(folder.join("schedstat")).unwrap_or_default();
            let nanos = times.split(' ').next().and_then(|text| text.parse().ok());
            total += Duration::from_nanos(nanos.unwrap_or(0));
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_answers_and_its_processor_time_is_seen() {
        let (server, address) = serve().unwrap();
        let sample = server.block_on(drive(address, Duration::from_millis(50)));
        let sample = sample.unwrap();
        assert!(sample.operations > 0);
        assert!(sample.cpu > Duration::ZERO);
    }
}
