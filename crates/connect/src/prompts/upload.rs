//! Prompts whose sound comes with the request: Connect has no operation for it, tympan's own service has.

use super::prompt::{Prompt, Source};
use super::uploaded_sound::UploadedSound;
use crate::error::ConnectError;
use crate::instances::Instance;
use crate::named::{Named, Scene, description_of};
use crate::service::ConnectService;
use crate::settings::{SettingsError, Write};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_contact::Recording;
use tympan_types::{InstanceId, ResourceId, WallTime};

/// The longest prompt, in samples at 8 kHz. Source: Administrator Guide, "Supported file types": less than five minutes.
pub const SAMPLES_MAX: usize = 5 * 60 * 8_000;

/// A prompt of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPrompt {
    /// Its id.
    pub id: ResourceId,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What is to be played of it.
    pub recording: Recording,
}

impl KnownPrompt {
    fn of(scene: &Scene<'_>, named: &Named<Prompt>) -> Self {
        Self {
            id: named.id,
            arn: scene.arn::<Prompt>(named.id),
            name: named.name.clone(),
            recording: Prompt::recording(named),
        }
    }
}

impl ConnectService {
    /// The prompt that an id or ARN names; `None` where the instance has no such prompt.
    pub fn known_prompt(&self, instance: InstanceId, id_or_arn: &str) -> Option<KnownPrompt> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            Some(KnownPrompt::of(scene, scene.find::<Prompt>(id_or_arn).ok()?))
        })
    }

    /// Creates a prompt that has this sound: a WAV file of 8 kHz, one channel and 16 bits.
    ///
    /// # Errors
    /// Those of CreatePrompt.
    pub fn upload_prompt(
        &self,
        now: WallTime,
        instance: &Instance,
        name: &str,
        description: Option<String>,
        wav: Vec<u8>,
    ) -> Result<KnownPrompt, ConnectError> {
        let description = description_of::<Prompt>(description)?;
        self.change(|edit| {
            let instance = edit.instance(instance)?;
            let scene = Scene { service: self, directory: &edit.directory, instance: &instance, now };
            scene.check_new::<Prompt>(name)?;
            let named = Named {
                id: ResourceId::from_random(self.random()),
                instance: instance.id,
                name: name.to_owned(),
                description,
                tags: BTreeMap::new(),
                modified: now,
                spec: Prompt { source: Source::Uploaded { sound: ResourceId::from_random(self.random()) } },
            };
            let known = KnownPrompt::of(&scene, &named);
            edit.writes.push(Write::PutSound(UploadedSound { prompt: named.id, wav: wav.into() }));
            edit.put_named(named);
            Ok(known)
        })
    }

    /// Gives a prompt this sound in place of its own: a WAV file of 8 kHz, one channel and 16 bits.
    ///
    /// # Errors
    /// ResourceNotFound.
    pub fn replace_prompt_sound(
        &self,
        now: WallTime,
        instance: &Instance,
        prompt: ResourceId,
        wav: Vec<u8>,
    ) -> Result<KnownPrompt, ConnectError> {
        self.change(|edit| {
            let instance = edit.instance(instance)?;
            let scene = Scene { service: self, directory: &edit.directory, instance: &instance, now };
            let mut named = scene.find::<Prompt>(&prompt.to_string())?.as_ref().clone();
            named.modified = now;
            named.spec.source = Source::Uploaded { sound: ResourceId::from_random(self.random()) };
            let known = KnownPrompt::of(&scene, &named);
            edit.writes.push(Write::PutSound(UploadedSound { prompt: named.id, wav: wav.into() }));
            edit.put_named(named);
            Ok(known)
        })
    }

    /// The uploaded sound of a prompt; `None` where it has none. It blocks.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn uploaded_sound(&self, prompt: ResourceId) -> Result<Option<Arc<[u8]>>, SettingsError> {
        Ok(self.settings().sound(prompt)?.map(|sound| sound.wav))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, NOW, text};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    fn own(bench: &Bench, instance: &str) -> Arc<Instance> {
        bench.service.instance(instance.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_uploaded_sound_outlasts_a_restart_and_goes_with_its_prompt() {
        let bench = Bench::new();
        let instance = own(&bench, &bench.instance("demo"));
        let first = bench.service.upload_prompt(NOW, &instance, "hi", None, b"RIFF1".to_vec()).unwrap();
        let bench = bench.reopened();
        let sound = |bench: &Bench| bench.service.uploaded_sound(first.id).unwrap();
        assert_eq!(sound(&bench).as_deref(), Some(&b"RIFF1"[..]));
        assert_eq!(bench.service.known_prompt(instance.id, &first.arn), Some(first.clone()));
        let second = bench.service.replace_prompt_sound(NOW, &instance, first.id, b"RIFF2".to_vec()).unwrap();
        assert_eq!(sound(&bench).as_deref(), Some(&b"RIFF2"[..]));
        assert_ne!(
            first.recording, second.recording,
            "what is kept of the first is not taken for the second"
        );
        let path = format!("/prompts/{}/{}", instance.id, first.id);
        bench.call("DELETE", &path, Value::Null).unwrap();
        assert_eq!(sound(&bench), None);
        let gone = bench.service.replace_prompt_sound(NOW, &instance, first.id, Vec::new()).unwrap_err();
        assert_eq!((gone.code(), sound(&bench)), (ErrorCode::ResourceNotFound, None));
    }

    #[test]
    fn a_prompt_that_gets_an_address_has_no_uploaded_sound_any_more() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let instance = own(&bench, &id);
        let prompt = bench.service.upload_prompt(NOW, &instance, "hi", None, b"RIFF".to_vec()).unwrap().id;
        let file = format!("/prompts/{id}/{prompt}/file");
        let refused = bench.call("GET", &file, Value::Null).unwrap_err();
        assert!(refused.message().contains("was uploaded"), "{refused}");
        bench.call("POST", &format!("/prompts/{id}/{prompt}"), json!({ "Name": "hello" })).unwrap();
        assert!(bench.service.uploaded_sound(prompt).unwrap().is_some(), "a new name leaves the sound");
        let update = json!({ "S3Uri": "s3://b/hi.wav" });
        bench.call("POST", &format!("/prompts/{id}/{prompt}"), update).unwrap();
        assert_eq!(bench.service.uploaded_sound(prompt).unwrap(), None);
        assert!(
            text(&bench.call("GET", &file, Value::Null).unwrap()["PromptPresignedUrl"]).ends_with("hi.wav")
        );
    }

    #[test]
    fn a_name_that_is_taken_or_none_makes_no_prompt() {
        let bench = Bench::new();
        let instance = own(&bench, &bench.instance("demo"));
        let upload = |name: &str| bench.service.upload_prompt(NOW, &instance, name, None, b"RIFF".to_vec());
        upload("hi").unwrap();
        assert_eq!(upload("hi").unwrap_err().code(), ErrorCode::DuplicateResource);
        assert_eq!(upload(" ").unwrap_err().code(), ErrorCode::InvalidParameter);
    }

    #[test]
    fn the_sounds_of_an_instance_go_with_it() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let instance = own(&bench, &id);
        let prompt = bench.service.upload_prompt(NOW, &instance, "hi", None, b"RIFF".to_vec()).unwrap().id;
        bench.call("DELETE", &format!("/instance/{id}"), Value::Null).unwrap();
        assert_eq!(bench.service.uploaded_sound(prompt).unwrap(), None);
    }
}
