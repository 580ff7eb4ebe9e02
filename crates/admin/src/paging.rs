//! Pages of lists that a store gives with cursors of its own.

use crate::error::AdminError;
use crate::service::Context;
use tympan_aws::{Alphabet, PageError};
use tympan_types::PageToken;

/// The query parameters of lists; the kit binds tokens to all others.
pub(crate) const MAX_RESULTS: &str = "maxResults";
pub(crate) const NEXT_TOKEN: &str = "nextToken";

/// Which page is wanted.
pub(crate) struct Page<C> {
    tokens: PageToken,
    /// Where the page before ended.
    pub(crate) after: Option<C>,
    /// How many items it has at most.
    pub(crate) size: usize,
}

impl<C> Page<C> {
    /// `members` are those of the body, to which the token is bound.
    pub(crate) fn of<'t>(
        cx: &Context<'_>,
        members: impl IntoIterator<Item = &'t str>,
        token: Option<&str>,
        size: Option<i64>,
        most: usize,
        read: impl FnOnce(&str) -> Option<C>,
    ) -> Result<Self, AdminError> {
        let tokens = cx.tokens(members);
        let page = tympan_aws::Page::new(Alphabet::UrlSafe, tokens, token, size, most.min(DEFAULT), most)?;
        let after = page.after().map(|after| read(after).ok_or(PageError::Token)).transpose()?;
        Ok(Self { tokens, after, size: page.size() })
    }

    /// The token of the page that comes after a cursor.
    pub(crate) fn token(&self, next: &str) -> String {
        Alphabet::UrlSafe.write(self.tokens, next)
    }
}

/// Items of a page where none are asked for.
const DEFAULT: usize = 100;
