use super::{FragmentSink, set_text};

/// A SimpleTag of which some children have been read. Its strings are reused from tag to tag.
#[derive(Debug, Default)]
pub(super) struct TagDraft {
    named: bool,
    name: String,
    value: String,
}

impl TagDraft {
    pub(super) fn set_name(&mut self, value: &[u8]) {
        self.named = true;
        set_text(&mut self.name, value);
    }

    pub(super) fn set_value(&mut self, value: &[u8]) {
        set_text(&mut self.value, value);
    }

    /// Tells the tag and begins another; one without a name (mandatory) has nothing to tell.
    pub(super) fn take(&mut self, sink: &mut impl FragmentSink) {
        if self.named {
            sink.tag(&self.name, &self.value);
        }
        self.named = false;
        self.value.clear();
    }
}
