//! Framing: how the bytes of a connection are cut into frames.
//!
//! Between temblor's nodes a frame is a line. Where they speak HTTP it is one whole request or response (RFC 9112): a fault
//! never loses a head without its body, and what a client sees of a lost response is silence.

use super::frames::LINE_MAX;

/// How many header fields a message may have.
const FIELDS_MAX: usize = 64;

/// What a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// A line with its LF; a connection goes one way.
    #[default]
    Lines,
    /// An HTTP/1.1 request or response with a `Content-Length`; responses come back on the connection of their requests.
    Http,
}

/// What comes is no frame, and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// How long the HTTP message is that `bytes` begin with; `None` if its end has not come yet.
///
/// # Errors
/// It is neither a request nor a response, is longer than a frame may be, or does not say how long it is: `chunked`, or a
/// response that ends with its connection.
pub fn http_message(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(head) = head(bytes)? else {
        return if bytes.len() > LINE_MAX { Err(Malformed) } else { Ok(None) };
    };
    let length = head.length.checked_add(head.body).filter(|length| *length <= LINE_MAX).ok_or(Malformed)?;
    Ok((length <= bytes.len()).then_some(length))
}

/// The head of an HTTP message: its length and that of the body, bytes.
struct Head {
    length: usize,
    body: usize,
}

fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let is_response = bytes.starts_with(&b"HTTP/"[..bytes.len().min(5)]);
    let (parsed, bodiless) = if is_response {
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(bytes).map_err(|_| Malformed)?;
        (parsed, response.code.is_some_and(|code| code < 200 || code == 204 || code == 304))
    } else {
        // Of a request that says nothing of a body there is none.
        (httparse::Request::new(&mut fields).parse(bytes).map_err(|_| Malformed)?, true)
    };
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let (mut body, mut chunked) = (None, false);
    for field in fields.iter().take_while(|field| **field != httparse::EMPTY_HEADER) {
        chunked |= field.name.eq_ignore_ascii_case("transfer-encoding");
        if field.name.eq_ignore_ascii_case("content-length") {
            body = Some(std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)?);
        }
    }
    match body {
        _ if chunked => Err(Malformed),
        Some(body) => Ok(Some(Head { length, body })),
        None if bodiless => Ok(Some(Head { length, body: 0 })),
        None => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Malformed, http_message};

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: n1\r\ncontent-length: 3\r\n\r\n{}\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    #[test]
    fn a_message_is_whole_with_the_last_byte_of_its_body() {
        for whole in [REQUEST, RESPONSE] {
            for end in 0..whole.len() {
                assert_eq!(http_message(&whole[..end]), Ok(None), "{end}");
            }
            assert_eq!(http_message(whole), Ok(Some(whole.len())));
            assert_eq!(http_message(&[whole, b"HTTP/1.1 2"].concat()), Ok(Some(whole.len())));
        }
    }

    #[test]
    fn a_message_without_a_body_need_not_say_how_long_it_is() {
        for whole in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"HTTP/1.1 204 No Content\r\n\r\n"] {
            assert_eq!(http_message(whole), Ok(Some(whole.len())));
        }
    }

    #[test]
    fn what_does_not_say_where_it_ends_is_refused() {
        let endless = ["HTTP/1.1 200 OK\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"];
        let wrong = [
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            "{\"src\":\"n1\"}\n",
        ];
        for text in endless.iter().chain(&wrong) {
            assert_eq!(http_message(text.as_bytes()), Err(Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..REQUEST.len()) {
            let _ = http_message(&bytes);
            let _ = http_message(&[&REQUEST[..cut], &bytes].concat());
        }
    }
}
