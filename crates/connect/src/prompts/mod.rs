//! Prompts: sounds that flows play.

mod create_prompt;
mod get_prompt_file;
mod prompt;
mod sound;
mod update_prompt;
mod upload;
mod uploaded_sound;

pub use prompt::{Prompt, Source};
pub use sound::DefaultPrompt;
pub use upload::{KnownPrompt, SAMPLES_MAX};
pub use uploaded_sound::UploadedSound;

pub(crate) use create_prompt::CreatePrompt;
pub(crate) use get_prompt_file::GetPromptFile;
pub(crate) use update_prompt::UpdatePrompt;
