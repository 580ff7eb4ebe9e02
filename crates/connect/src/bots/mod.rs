//! Bots that flows may use.

mod associate_bot;
mod associate_lex_bot;
mod bot;
mod disassociate_bot;
mod disassociate_lex_bot;
mod list_bots;
mod list_lex_bots;

pub use bot::Bot;

pub(crate) use associate_bot::AssociateBot;
pub(crate) use associate_lex_bot::AssociateLexBot;
pub(crate) use disassociate_bot::DisassociateBot;
pub(crate) use disassociate_lex_bot::DisassociateLexBot;
pub(crate) use list_bots::ListBots;
pub(crate) use list_lex_bots::ListLexBots;
