//! Prompts: sounds that flows play.

mod create_prompt;
mod get_prompt_file;
mod prompt;
mod sound;
mod update_prompt;

pub use prompt::{Prompt, Source};
pub use sound::DefaultPrompt;

pub(crate) use create_prompt::CreatePrompt;
pub(crate) use get_prompt_file::GetPromptFile;
pub(crate) use update_prompt::UpdatePrompt;
