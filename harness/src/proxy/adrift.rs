//! Adrift: a connection that is half open. The proxy has closed the receiver's side; the sender's stays established, and what it
//! sends goes nowhere. When the fault is lifted, the sender sees a reset, as from a host that has forgotten the connection.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::bell::Cause;
use super::connection::Place;
use super::inlet::Inlet;

/// How many reads are made before others get their turn.
const TURN_READS: usize = 16;

/// Takes what the sender writes until the connection breaks, for the cause that it gives, or the sender closes it: `None`.
pub async fn drift(place: &Place, inlet: &mut Inlet) -> Option<Cause> {
    poll_fn(|cx| {
        place.bell.listen(cx);
        let polled = turn(place, inlet, cx);
        place.link.call_watchers();
        polled
    })
    .await
}

fn turn(place: &Place, inlet: &mut Inlet, cx: &mut Context<'_>) -> Poll<Option<Cause>> {
    let link = &*place.link;
    for _ in 0..TURN_READS {
        if let Some(cause) = place.bell.doom_cause() {
            return Poll::Ready(Some(cause));
        }
        let mut scratch = link.network.scratch.borrow_mut();
        let Poll::Ready(count) = inlet.poll_read(cx, link, &mut scratch) else { return Poll::Pending };
        if inlet.has_ended() {
            return Poll::Ready(None);
        }
        let Some(fault) = place.bell.adrift() else { return Poll::Ready(Some(Cause::Down)) };
        if let Err(cause) = inlet.feed(link, &scratch[..count], |run, in_ns| link.forget(run, in_ns, fault)) {
            return Poll::Ready(Some(cause));
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
