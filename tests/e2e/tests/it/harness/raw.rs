//! Requests that no HTTP library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than any patience of the server.
const PATIENCE: Duration = Duration::from_secs(45);

/// Sends the text and reads until the server closes the connection.
pub(crate) async fn talk(address: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

/// What is left until the server closes the connection.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = stream.read_to_end(&mut bytes);
    // A reset after the answer is a way to close, too.
    let _ = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the server should close the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}
