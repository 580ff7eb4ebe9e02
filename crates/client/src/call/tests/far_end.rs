//! A far end of a few lines: it reads and writes messages, and leaves transactions and dialogs to the test.

use bytes::Bytes;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tympan_sip::wire::{
    Cut, Cutter, Draft, Judged, Method, Name, Request, Response, Status, cut_packet, judge,
};

/// A test that waits longer for a message is broken.
const LIMIT: Duration = Duration::from_secs(60);

/// The listening side. Dropping it ends all of it.
pub(super) struct FarEnd {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// A call that came in.
pub(super) struct Call {
    pub(super) invite: Request,
    path: Path,
    address: SocketAddr,
    tcp: bool,
    messages: mpsc::UnboundedReceiver<Message>,
    cseq: u32,
}

/// How a message came, and how another goes back.
#[derive(Clone)]
enum Path {
    Udp(Arc<UdpSocket>, SocketAddr),
    Tcp(mpsc::UnboundedSender<Bytes>),
}

enum Message {
    Request(Request),
    Response(Response),
}

struct Shared {
    address: SocketAddr,
    tcp: bool,
    routes: Mutex<HashMap<String, mpsc::UnboundedSender<Message>>>,
    calls: mpsc::UnboundedSender<Call>,
}

/// Runs `each` for every call that comes in.
pub(super) async fn far_end<F, Ended>(tcp: bool, each: F) -> FarEnd
where
    F: Fn(Call) -> Ended + Send + 'static,
    Ended: Future<Output = ()> + Send + 'static,
{
    let (udp, listener) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(listener) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (Arc::new(udp), listener);
        }
    };
    let address = udp.local_addr().unwrap();
    let (calls, mut came) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared { address, tcp, routes: Mutex::default(), calls });
    let mut tasks = JoinSet::new();
    let by_udp = shared.clone();
    tasks.spawn(async move {
        let mut datagram = vec![0; 65_536];
        loop {
            let (length, from) = udp.recv_from(&mut datagram).await.unwrap();
            let path = Path::Udp(udp.clone(), from);
            by_udp.receive(cut_packet(Bytes::copy_from_slice(&datagram[..length])), path);
        }
    });
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(serve(stream, shared.clone()));
        }
    });
    tasks.spawn(async move {
        let mut calls = JoinSet::new();
        while let Some(call) = came.recv().await {
            calls.spawn(each(call));
        }
    });
    FarEnd { address, _tasks: tasks }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let (mut reader, writer) = stream.into_split();
    let (sender, waiting) = mpsc::unbounded_channel();
    tokio::spawn(write(writer, waiting));
    let (mut cutter, mut buffer) = (Cutter::default(), vec![0; 16_384]);
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        cutter.push(Bytes::copy_from_slice(&buffer[..length]));
        while let Some(cut) = cutter.next() {
            shared.receive(cut, Path::Tcp(sender.clone()));
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut waiting: mpsc::UnboundedReceiver<Bytes>) {
    while let Some(bytes) = waiting.recv().await {
        writer.write_all(&bytes).await.unwrap();
    }
}

impl Shared {
    fn receive(&self, cut: Cut, path: Path) {
        let Cut::Message(message) = cut else { panic!("{cut:?}") };
        let (call_id, message) = match judge(message, None) {
            Judged::Request(request) => (request.call_id.to_string(), Message::Request(*request)),
            Judged::Response(response) => (response.call_id.to_string(), Message::Response(*response)),
            other => panic!("{other:?}"),
        };
        let mut routes = self.routes.lock().unwrap();
        if let Some(route) = routes.get(&call_id) {
            // The call may be over.
            let _ = route.send(message);
            return;
        }
        let Message::Request(invite) = message else { return };
        let (route, messages) = mpsc::unbounded_channel();
        routes.insert(call_id, route);
        let (address, tcp) = (self.address, self.tcp);
        self.calls.send(Call { invite, path, address, tcp, messages, cseq: 0 }).unwrap();
    }
}

impl Call {
    /// What the caller offers.
    pub(super) fn offer(&self) -> String {
        text(self.invite.message.body())
    }

    /// Answers a request of the caller.
    pub(super) async fn respond(&self, request: &Request, status: Status, sdp: Option<&str>) {
        let source = match &self.path {
            Path::Udp(_, from) => *from,
            Path::Tcp(_) => self.address,
        };
        let draft = Draft::response(request, status, Some("far"), source, false);
        self.send(self.with_body(draft, sdp)).await;
    }

    /// 200 with this answer; returns with the ACK.
    pub(super) async fn accept(&mut self, sdp: &str) -> Request {
        let invite = self.invite.clone();
        self.respond(&invite, Status::OK, Some(sdp)).await;
        self.received(&Method::Ack).await
    }

    /// The next request of this method. A repetition of the INVITE is passed over, and any other request gets a 200.
    pub(super) async fn received(&mut self, method: &Method) -> Request {
        loop {
            match self.message().await {
                Message::Request(request) if request.method == *method => return request,
                Message::Request(request) => self.absorb(request).await,
                Message::Response(_) => {}
            }
        }
    }

    /// A BYE of the caller, which gets its 200. Cancel-safe.
    pub(super) async fn said_goodbye(&mut self) {
        let bye = self.received(&Method::Bye).await;
        self.respond(&bye, Status::OK, None).await;
    }

    /// Sends a request within the dialog and waits for its final response.
    pub(super) async fn request(&mut self, method: &Method, sdp: Option<&str>) -> Response {
        self.send(self.draft(method, self.cseq + 1, sdp)).await;
        self.cseq += 1;
        loop {
            match self.message().await {
                Message::Response(response)
                    if response.cseq == self.cseq && !response.status.is_provisional() =>
                {
                    return response;
                }
                Message::Response(_) => {}
                Message::Request(request) => self.absorb(request).await,
            }
        }
    }

    /// The ACK of a 2xx to the last request.
    pub(super) async fn acknowledge(&self, sdp: Option<&str>) {
        self.send(self.draft(&Method::Ack, self.cseq, sdp)).await;
    }

    /// From now on our requests go by a new connection.
    pub(super) async fn reconnect(&mut self) {
        let uri = self.invite.contact().unwrap().uri().clone();
        let target = format!("{}:{}", uri.host(), uri.port().unwrap());
        let (mut reader, writer) = TcpStream::connect(target).await.unwrap().into_split();
        let (sender, waiting) = mpsc::unbounded_channel();
        let (route, messages) = mpsc::unbounded_channel();
        tokio::spawn(write(writer, waiting));
        tokio::spawn(async move {
            let (mut cutter, mut buffer) = (Cutter::default(), vec![0; 16_384]);
            while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                cutter.push(Bytes::copy_from_slice(&buffer[..length]));
                while let Some(cut) = cutter.next() {
                    let Cut::Message(message) = cut else { panic!("{cut:?}") };
                    if let Judged::Response(response) = judge(message, None) {
                        let _ = route.send(Message::Response(*response));
                    }
                }
            }
        });
        (self.path, self.messages) = (Path::Tcp(sender), messages);
    }

    async fn absorb(&self, request: Request) {
        if !matches!(request.method, Method::Ack | Method::Invite) {
            self.respond(&request, Status::OK, None).await;
        }
    }

    async fn message(&mut self) -> Message {
        tokio::time::timeout(LIMIT, self.messages.recv()).await.expect("no message comes").expect("no path")
    }

    fn draft(&self, method: &Method, cseq: u32, sdp: Option<&str>) -> Bytes {
        let Self { invite, address, tcp, .. } = self;
        let transport = if *tcp { "TCP" } else { "UDP" };
        let branch = format!("z9hG4bK-far-{method}-{cseq}-{}", invite.call_id.as_str());
        let draft = Draft::request(method, invite.contact().unwrap().uri().as_str())
            .header(Name::Via, format_args!("SIP/2.0/{transport} {address};branch={branch}"))
            .header(Name::MaxForwards, 70)
            .header(Name::From, format_args!("{};tag=far", invite.to.as_str()))
            .header(Name::To, invite.from.as_str())
            .header(Name::CallId, invite.call_id.as_str())
            .header(Name::CSeq, format_args!("{cseq} {method}"));
        self.with_body(draft, sdp)
    }

    fn with_body(&self, draft: Draft, sdp: Option<&str>) -> Bytes {
        let transport = if self.tcp { ";transport=tcp" } else { "" };
        let draft = draft.header(Name::Contact, format_args!("<sip:{}{transport}>", self.address));
        match sdp {
            Some(sdp) => draft.body("application/sdp", sdp.as_bytes()).finish(),
            None => draft.finish(),
        }
    }

    async fn send(&self, bytes: Bytes) {
        match &self.path {
            Path::Udp(socket, to) => {
                socket.send_to(&bytes, to).await.unwrap();
            }
            Path::Tcp(queue) => queue.send(bytes).unwrap(),
        }
    }
}

pub(super) fn text(body: &Bytes) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}
