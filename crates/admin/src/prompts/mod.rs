//! Prompts: their sound to be heard, and sound that is uploaded.

mod get_prompt_audio;
mod prompt_sounds;
mod put_prompt_audio;
mod target;
mod upload_prompt;

pub use prompt_sounds::{PROMPT_UPLOAD_MAX_BYTES, PromptSounds};

pub(crate) use get_prompt_audio::GetPromptAudio;
pub(crate) use put_prompt_audio::PutPromptAudio;
pub(crate) use upload_prompt::UploadPrompt;
