//! `--dev`: how the emulator stands before the services. A server without it serves the router itself.

use crate::http::{Answer, Body, BreakOff, Incoming, Router, Tear};
use bytes::Bytes;
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tympan_emulator::{Emulator, Named};

impl tympan_emulator::Router for Router {
    type Incoming = Incoming;

    fn named(&self, head: &Parts) -> Option<Named> {
        let (found, operation) = self.named(head)?;
        Some(Named { scope: self.scope(found), operation })
    }

    fn paths_for_pages(&self) -> impl Iterator<Item = &'static str> {
        self.paths_for_pages()
    }

    async fn read(&self, head: &Parts, body: Incoming) -> Result<Bytes, Box<Response<Body>>> {
        self.read(head, body).await
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        Answer::answer(self, request).await
    }

    fn break_off(extensions: &mut Extensions, when: CancellationToken) {
        extensions.insert(BreakOff(when));
    }

    fn tear(extensions: &Extensions) -> tympan_emulator::Tear {
        let tear = extensions.get::<Tear>().cloned().unwrap_or_default();
        tympan_emulator::Tear::new(move || tear.tear())
    }
}

impl Answer for Emulator<Router> {
    const TEARS: bool = true;

    fn is_for_pages(&self, path: &str) -> bool {
        self.is_for_pages(path)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        self.answer(request).await
    }
}
