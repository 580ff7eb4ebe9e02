//! One call as its caller sees it. No socket and no clock.

use super::message::{self, Message, Start};
use crate::clock::Monotonic;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Who calls whom, from where.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    /// The call; makes its Call-ID, tags and branches.
    pub(crate) call: u32,
    /// The caller's number.
    pub(crate) from: String,
    /// The number that is called.
    pub(crate) to: String,
    /// Where the server listens.
    pub(crate) server: SocketAddr,
    /// Where we listen.
    pub(crate) local: SocketAddr,
    /// Where our audio comes from.
    pub(crate) media: SocketAddr,
}

/// What a dialog wants done, or tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send this to the server.
    Send(String),
    /// The call is up, and the server wants its audio there.
    Answered(SocketAddr),
    /// The call is over, or never came to be.
    Ended(Ending),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// We hung up, and the server agreed.
    HungUp,
    /// The server hung up.
    ByServer,
    /// The server refused the call.
    Refused(u16),
    /// The server did not answer, or not in a way that we understand.
    Failed(&'static str),
}

/// A call from INVITE to BYE.
///
/// Shape: [`receive`](Self::receive), [`hang_up`](Self::hang_up) and [`tick`](Self::tick), then drain
/// [`poll`](Self::poll); the next `tick` is due at [`next_deadline`](Self::next_deadline).
#[derive(Debug)]
pub(crate) struct Dialog {
    invitation: Invitation,
    state: State,
    /// The server's To, with its tag once there is one.
    to: String,
    /// Where requests within the dialog go.
    target: String,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum State {
    /// The INVITE is out, and nothing but provisional answers came.
    Inviting(Retry),
    /// Answered and acknowledged.
    Up,
    /// The BYE is out.
    HangingUp(Retry),
    Over,
}

/// A request that is repeated until it is answered (RFC 3261 section 17.1).
#[derive(Debug)]
struct Retry {
    request: String,
    wait: Duration,
    /// `None` once a provisional answer came: then only the end counts.
    next: Option<Monotonic>,
    give_up: Monotonic,
}

/// T1 and T2 of RFC 3261, and 64 times T1.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);

impl Dialog {
    /// Sends the INVITE.
    pub(crate) fn invite(now: Monotonic, invitation: Invitation) -> Self {
        let to = format!("<sip:{}@{}>", invitation.to, invitation.server);
        let target = format!("sip:{}@{}", invitation.to, invitation.server);
        let mut dialog = Self { invitation, state: State::Over, to, target, outputs: VecDeque::new() };
        let body = message::offer(dialog.invitation.media, dialog.invitation.call + 1);
        let invite = dialog.request("INVITE", INVITE_CSEQ, &body);
        dialog.state = State::Inviting(dialog.send_until_answered(now, invite));
        dialog
    }

    /// The Call-ID, by which messages find their dialog.
    pub(crate) fn call_id(call: u32) -> String {
        format!("bench-{call}")
    }

    /// Takes a message with this dialog's Call-ID.
    pub(crate) fn receive(&mut self, message: &Message) {
        match &message.start {
            Start::Response { status } => self.response(*status, message),
            Start::Request { method } => self.server_request(method, message),
        }
    }

    /// Sends the BYE, if the call is up.
    pub(crate) fn hang_up(&mut self, now: Monotonic) {
        if let State::Up = self.state {
            let bye = self.request("BYE", BYE_CSEQ, "");
            self.state = State::HangingUp(self.send_until_answered(now, bye));
        }
    }

    /// Repeats what is due.
    pub(crate) fn tick(&mut self, now: Monotonic) {
        let (State::Inviting(retry) | State::HangingUp(retry)) = &mut self.state else { return };
        if now >= retry.give_up {
            return self.end(Ending::Failed("no answer for 32 s"));
        }
        if retry.next.is_some_and(|next| now >= next) {
            retry.wait = (retry.wait * 2).min(LONGEST_WAIT);
            retry.next = Some(now.after(retry.wait));
            self.outputs.push_back(Output::Send(retry.request.clone()));
        }
    }

    /// The next output.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `tick` has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Monotonic> {
        match &self.state {
            State::Inviting(retry) | State::HangingUp(retry) => Some(retry.next.unwrap_or(retry.give_up)),
            State::Up | State::Over => None,
        }
    }

    fn response(&mut self, status: u16, message: &Message) {
        match (message.cseq(), status) {
            (Some((INVITE_CSEQ, "INVITE")), 100..200) => {
                if let State::Inviting(retry) = &mut self.state {
                    retry.next = None;
                }
            }
            (Some((INVITE_CSEQ, "INVITE")), 200..300) => self.answered(message),
            (Some((INVITE_CSEQ, "INVITE")), _) => {
                self.remember_peer(message);
                let ack = self.request_on_branch("ACK", INVITE_CSEQ, "INVITE", "");
                self.outputs.push_back(Output::Send(ack));
                self.end(Ending::Refused(status));
            }
            (Some((BYE_CSEQ, "BYE")), 200..) => self.end(Ending::HungUp),
            _ => {}
        }
    }

    fn answered(&mut self, message: &Message) {
        self.remember_peer(message);
        if let Some(contact) = message.contact() {
            contact.clone_into(&mut self.target);
        }
        // Also for a repeated answer: the acknowledgement before was lost.
        let ack = self.request("ACK", INVITE_CSEQ, "");
        self.outputs.push_back(Output::Send(ack));
        if let State::Inviting(_) = self.state {
            match message::answered_address(&message.body) {
                Some(remote) => {
                    self.state = State::Up;
                    self.outputs.push_back(Output::Answered(remote));
                }
                None => self.end(Ending::Failed("the answer takes no audio")),
            }
        }
    }

    fn server_request(&mut self, method: &str, message: &Message) {
        let status = match method {
            "ACK" => return,
            "BYE" => "200 OK",
            "INVITE" | "UPDATE" => "488 Not Acceptable Here",
            "OPTIONS" | "INFO" => "200 OK",
            _ => "405 Method Not Allowed",
        };
        self.outputs.push_back(Output::Send(message.response(status)));
        if method == "BYE" {
            self.end(Ending::ByServer);
        }
    }

    fn end(&mut self, ending: Ending) {
        if !matches!(std::mem::replace(&mut self.state, State::Over), State::Over) {
            self.outputs.push_back(Output::Ended(ending));
        }
    }

    fn remember_peer(&mut self, message: &Message) {
        if let Some(to) = message.header("To") {
            to.clone_into(&mut self.to);
        }
    }

    fn send_until_answered(&mut self, now: Monotonic, request: String) -> Retry {
        self.outputs.push_back(Output::Send(request.clone()));
        Retry { request, wait: FIRST_WAIT, next: Some(now.after(FIRST_WAIT)), give_up: now.after(GIVE_UP) }
    }

    fn request(&self, method: &str, cseq: u32, body: &str) -> String {
        self.request_on_branch(method, cseq, method, body)
    }

    /// The ACK of a refusal belongs to the INVITE's transaction; every other request is one of its own.
    fn request_on_branch(&self, method: &str, cseq: u32, branch: &str, body: &str) -> String {
        let Invitation { call, from, local, .. } = &self.invitation;
        let (target, to, call_id) = (&self.target, &self.to, Self::call_id(*call));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{branch}-{call}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@{local}>;tag=bench-{call}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:bench@{local}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}",
            length = body.len(),
        )
    }
}

const INVITE_CSEQ: u32 = 1;
const BYE_CSEQ: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Monotonic = Monotonic(0);

    fn dialog() -> (Dialog, Message) {
        let mut dialog = Dialog::invite(
            START,
            Invitation {
                call: 4,
                from: "+12060000004".into(),
                to: "+18005550199".into(),
                server: "127.0.0.1:5060".parse().unwrap(),
                local: "127.0.0.1:5061".parse().unwrap(),
                media: "127.0.0.1:4000".parse().unwrap(),
            },
        );
        let invite = sent(&mut dialog);
        (dialog, invite)
    }

    fn sent(dialog: &mut Dialog) -> Message {
        match dialog.poll() {
            Some(Output::Send(text)) => Message::parse(text.as_bytes()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// As the server would answer, with its tag, a Contact and SDP.
    fn answer(request: &Message, status: &str) -> Message {
        let text =
            request.response(status).replace("Call-ID", "Contact: <sip:tympan@127.0.0.1:5060>\r\nCall-ID");
        let text = text.replace("\r\nContact", ";tag=server\r\nContact");
        Message::parse((text + "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4444 RTP/AVP 0\r\n").as_bytes()).unwrap()
    }

    fn method(message: &Message) -> &str {
        match &message.start {
            Start::Request { method } => method,
            Start::Response { .. } => panic!("{message:?}"),
        }
    }

    #[test]
    fn calls_and_hangs_up() {
        let (mut dialog, invite) = dialog();
        assert_eq!(method(&invite), "INVITE");
        assert_eq!(message::answered_address(&invite.body), "127.0.0.1:4000".parse().ok());
        dialog.receive(&answer(&invite, "100 Trying"));
        dialog.receive(&answer(&invite, "200 OK"));
        let ack = sent(&mut dialog);
        assert_eq!((method(&ack), ack.cseq()), ("ACK", Some((1, "ACK"))));
        assert!(ack.header("To").unwrap().ends_with(";tag=server"));
        assert_ne!(ack.header("Via"), invite.header("Via"));
        assert_eq!(dialog.poll(), Some(Output::Answered("127.0.0.1:4444".parse().unwrap())));
        assert_eq!(dialog.next_deadline(), None);

        dialog.hang_up(START);
        let bye = sent(&mut dialog);
        assert_eq!((method(&bye), bye.cseq()), ("BYE", Some((2, "BYE"))));
        dialog.receive(&answer(&bye, "200 OK"));
        assert_eq!(dialog.poll(), Some(Output::Ended(Ending::HungUp)));
        assert_eq!(dialog.poll(), None);
    }

    #[test]
    fn acknowledges_a_repeated_answer_again_and_tells_it_once() {
        let (mut dialog, invite) = dialog();
        dialog.receive(&answer(&invite, "200 OK"));
        while dialog.poll().is_some() {}
        dialog.receive(&answer(&invite, "200 OK"));
        assert_eq!(method(&sent(&mut dialog)), "ACK");
        assert_eq!(dialog.poll(), None);
    }

    #[test]
    fn acknowledges_a_refusal_within_the_invites_transaction() {
        let (mut dialog, invite) = dialog();
        dialog.receive(&answer(&invite, "503 Service Unavailable"));
        let ack = sent(&mut dialog);
        assert_eq!((method(&ack), ack.header("Via")), ("ACK", invite.header("Via")));
        assert_eq!(dialog.poll(), Some(Output::Ended(Ending::Refused(503))));
    }

    #[test]
    fn repeats_an_invite_at_doubling_intervals_until_ringing_and_gives_up_after_32_s() {
        let (mut dialog, invite) = dialog();
        let ms = |ms| START.after(Duration::from_millis(ms));
        assert_eq!(dialog.next_deadline(), Some(ms(500)));
        dialog.tick(ms(499));
        assert_eq!(dialog.poll(), None);
        dialog.tick(ms(500));
        assert_eq!(sent(&mut dialog), invite);
        assert_eq!(dialog.next_deadline(), Some(ms(1_500)));
        dialog.receive(&answer(&invite, "180 Ringing"));
        assert_eq!(dialog.next_deadline(), Some(ms(32_000)));
        dialog.tick(ms(32_000));
        assert_eq!(dialog.poll(), Some(Output::Ended(Ending::Failed("no answer for 32 s"))));
    }

    #[test]
    fn agrees_when_the_server_hangs_up() {
        let (mut dialog, invite) = dialog();
        dialog.receive(&answer(&invite, "200 OK"));
        while dialog.poll().is_some() {}
        let bye = "BYE sip:bench@127.0.0.1:5061 SIP/2.0\r\nVia: v\r\nCall-ID: bench-4\r\nCSeq: 9 BYE\r\n\r\n";
        dialog.receive(&Message::parse(bye.as_bytes()).unwrap());
        assert!(matches!(dialog.poll(), Some(Output::Send(text)) if text.starts_with("SIP/2.0 200 OK\r\n")));
        assert_eq!(dialog.poll(), Some(Output::Ended(Ending::ByServer)));
        dialog.hang_up(START);
        assert_eq!(dialog.poll(), None);
    }
}
