//! The operations by their paths: what is offered, and what is refused with a clear error.
//!
//! Source: the botocore models of `kinesisvideo`, `kinesis-video-media` and `kinesis-video-archived-media`
//! (2017-09-30).

use crate::KvsErrorCode;

/// An operation of the service, PutMedia included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `/createStream`
    CreateStream,
    /// `/describeStream`
    DescribeStream,
    /// `/listStreams`
    ListStreams,
    /// `/deleteStream`
    DeleteStream,
    /// `/updateStream`
    UpdateStream,
    /// `/updateDataRetention`
    UpdateDataRetention,
    /// `/tagStream`
    TagStream,
    /// `/untagStream`
    UntagStream,
    /// `/listTagsForStream`
    ListTagsForStream,
    /// `/describeStreamStorageConfiguration`
    DescribeStreamStorageConfiguration,
    /// `/updateStreamStorageConfiguration`
    UpdateStreamStorageConfiguration,
    /// `/describeMappedResourceConfiguration`
    DescribeMappedResourceConfiguration,
    /// `/TagResource`
    TagResource,
    /// `/UntagResource`
    UntagResource,
    /// `/ListTagsForResource`
    ListTagsForResource,
    /// `/getDataEndpoint`
    GetDataEndpoint,
    /// `/putMedia`; see [`KvsService::put_media`](crate::KvsService::put_media).
    PutMedia,
    /// `/getMedia`; see [`KvsService::get_media`](crate::KvsService::get_media).
    GetMedia,
    /// `/listFragments`
    ListFragments,
    /// `/getMediaForFragmentList`; see
    /// [`KvsService::get_media_for_fragment_list`](crate::KvsService::get_media_for_fragment_list).
    GetMediaForFragmentList,
    /// One of the four playback calls, which cannot carry call audio.
    Playback(Playback),
    /// Offered by AWS, not here.
    Refused(&'static str),
}

/// The archived-media calls that need H.264, H.265 or AAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Playback {
    /// `/getHLSStreamingSessionURL`
    GetHlsStreamingSessionUrl,
    /// `/getDASHStreamingSessionURL`
    GetDashStreamingSessionUrl,
    /// `/getClip`
    GetClip,
    /// `/getImages`
    GetImages,
}

impl Playback {
    /// The call of a name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "GetHLSStreamingSessionURL" => Self::GetHlsStreamingSessionUrl,
            "GetDASHStreamingSessionURL" => Self::GetDashStreamingSessionUrl,
            "GetImages" => Self::GetImages,
            _ => Self::GetClip,
        }
    }
}

/// Path, operation name, operation.
const PATHS: &[(&str, &str, Operation)] = &[
    ("/createStream", "CreateStream", Operation::CreateStream),
    ("/describeStream", "DescribeStream", Operation::DescribeStream),
    ("/listStreams", "ListStreams", Operation::ListStreams),
    ("/deleteStream", "DeleteStream", Operation::DeleteStream),
    ("/updateStream", "UpdateStream", Operation::UpdateStream),
    ("/updateDataRetention", "UpdateDataRetention", Operation::UpdateDataRetention),
    ("/tagStream", "TagStream", Operation::TagStream),
    ("/untagStream", "UntagStream", Operation::UntagStream),
    ("/listTagsForStream", "ListTagsForStream", Operation::ListTagsForStream),
    (
        "/describeStreamStorageConfiguration",
        "DescribeStreamStorageConfiguration",
        Operation::DescribeStreamStorageConfiguration,
    ),
    (
        "/updateStreamStorageConfiguration",
        "UpdateStreamStorageConfiguration",
        Operation::UpdateStreamStorageConfiguration,
    ),
    (
        "/describeMappedResourceConfiguration",
        "DescribeMappedResourceConfiguration",
        Operation::DescribeMappedResourceConfiguration,
    ),
    ("/TagResource", "TagResource", Operation::TagResource),
    ("/UntagResource", "UntagResource", Operation::UntagResource),
    ("/ListTagsForResource", "ListTagsForResource", Operation::ListTagsForResource),
    ("/getDataEndpoint", "GetDataEndpoint", Operation::GetDataEndpoint),
    ("/putMedia", "PutMedia", Operation::PutMedia),
    ("/getMedia", "GetMedia", Operation::GetMedia),
    ("/listFragments", "ListFragments", Operation::ListFragments),
    ("/getMediaForFragmentList", "GetMediaForFragmentList", Operation::GetMediaForFragmentList),
    (
        "/getHLSStreamingSessionURL",
        "GetHLSStreamingSessionURL",
        Operation::Playback(Playback::GetHlsStreamingSessionUrl),
    ),
    (
        "/getDASHStreamingSessionURL",
        "GetDASHStreamingSessionURL",
        Operation::Playback(Playback::GetDashStreamingSessionUrl),
    ),
    ("/getClip", "GetClip", Operation::Playback(Playback::GetClip)),
    ("/getImages", "GetImages", Operation::Playback(Playback::GetImages)),
];

/// Path and name of every operation of the model that is not offered.
const REFUSED: &[(&str, &str)] = &[
    ("/describeImageGenerationConfiguration", "DescribeImageGenerationConfiguration"),
    ("/updateImageGenerationConfiguration", "UpdateImageGenerationConfiguration"),
    ("/describeNotificationConfiguration", "DescribeNotificationConfiguration"),
    ("/updateNotificationConfiguration", "UpdateNotificationConfiguration"),
    ("/startEdgeConfigurationUpdate", "StartEdgeConfigurationUpdate"),
    ("/describeEdgeConfiguration", "DescribeEdgeConfiguration"),
    ("/deleteEdgeConfiguration", "DeleteEdgeConfiguration"),
    ("/listEdgeAgentConfigurations", "ListEdgeAgentConfigurations"),
    ("/describeMediaStorageConfiguration", "DescribeMediaStorageConfiguration"),
    ("/updateMediaStorageConfiguration", "UpdateMediaStorageConfiguration"),
    ("/createSignalingChannel", "CreateSignalingChannel"),
    ("/describeSignalingChannel", "DescribeSignalingChannel"),
    ("/updateSignalingChannel", "UpdateSignalingChannel"),
    ("/deleteSignalingChannel", "DeleteSignalingChannel"),
    ("/listSignalingChannels", "ListSignalingChannels"),
    ("/getSignalingChannelEndpoint", "GetSignalingChannelEndpoint"),
];

impl Operation {
    /// The paths of all operations.
    pub fn paths() -> impl Iterator<Item = &'static str> {
        PATHS.iter().map(|(path, ..)| *path).chain(REFUSED.iter().map(|(path, _)| *path))
    }

    /// Method, path and name of every operation: the catalogue.
    pub(crate) fn catalogue() -> Vec<(&'static str, &'static str, &'static str)> {
        let offered = PATHS.iter().map(|(path, name, _)| ("POST", *path, *name));
        offered.chain(REFUSED.iter().map(|(path, name)| ("POST", *path, *name))).collect()
    }

    /// The operation of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let known = PATHS.iter().find(|(_, of, _)| *of == name).map(|(.., operation)| *operation);
        known.or_else(|| REFUSED.iter().find(|(_, of)| *of == name).map(|(_, name)| Self::Refused(name)))
    }

    /// The operation of a request path; `None` where AWS has none either.
    pub fn from_path(path: &str) -> Option<Self> {
        let known = PATHS.iter().find(|(of, ..)| *of == path).map(|(.., operation)| *operation);
        known.or_else(|| REFUSED.iter().find(|(of, _)| *of == path).map(|(_, name)| Self::Refused(name)))
    }

    /// The operation's name, as in the API reference.
    pub fn name(self) -> &'static str {
        if let Self::Refused(name) = self {
            return name;
        }
        PATHS.iter().find(|(.., operation)| *operation == self).map_or("", |(_, name, _)| *name)
    }

    /// The name that policies allow or deny: `kinesisvideo:CreateStream`.
    pub fn action(self) -> String {
        format!("kinesisvideo:{}", self.name())
    }

    /// The answer to a principal who may not do that: of the two errors of the model, both 401, the one that the operation
    /// declares. CreateStream and ListStreams declare neither.
    pub fn denial(self) -> KvsErrorCode {
        let name = self.name();
        let is_newer = name.ends_with("Configuration")
            || name.ends_with("Resource")
            || name.contains("SignalingChannel")
            || name == "StartEdgeConfigurationUpdate";
        if is_newer { KvsErrorCode::AccessDenied } else { KvsErrorCode::NotAuthorized }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_its_operation_name_in_lower_camel_case_but_for_the_resource_tags() {
        for (path, name) in
            PATHS.iter().map(|(path, name, _)| (path, name)).chain(REFUSED.iter().map(|(p, n)| (p, n)))
        {
            let capital = name.ends_with("Resource");
            let mut expected = format!("/{name}");
            if !capital {
                expected = format!("/{}{}", name[..1].to_lowercase(), &name[1..]);
            }
            assert_eq!(*path, expected);
            let operation = Operation::from_path(path).unwrap();
            assert_eq!(operation.name(), *name);
            assert_eq!(operation.action(), format!("kinesisvideo:{name}"));
        }
        assert_eq!(Operation::from_path("/nothing"), None);
    }

    #[test]
    fn who_may_not_is_told_so_by_the_error_that_the_operation_declares() {
        // As in botocore 1.44: none of these declares NotAuthorizedException, and no other AccessDeniedException.
        let declare_access_denied = [
            "CreateSignalingChannel",
            "DeleteEdgeConfiguration",
            "DeleteSignalingChannel",
            "DescribeEdgeConfiguration",
            "DescribeImageGenerationConfiguration",
            "DescribeMappedResourceConfiguration",
            "DescribeMediaStorageConfiguration",
            "DescribeNotificationConfiguration",
            "DescribeSignalingChannel",
            "DescribeStreamStorageConfiguration",
            "GetSignalingChannelEndpoint",
            "ListSignalingChannels",
            "ListTagsForResource",
            "StartEdgeConfigurationUpdate",
            "TagResource",
            "UntagResource",
            "UpdateImageGenerationConfiguration",
            "UpdateMediaStorageConfiguration",
            "UpdateNotificationConfiguration",
            "UpdateSignalingChannel",
            "UpdateStreamStorageConfiguration",
        ];
        let paths = PATHS.iter().map(|(path, ..)| path).chain(REFUSED.iter().map(|(path, _)| path));
        let told: Vec<Operation> = paths.filter_map(|path| Operation::from_path(path)).collect();
        let denied = |code| {
            let mut names: Vec<_> =
                told.iter().filter(|operation| operation.denial() == code).map(|o| o.name()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(denied(KvsErrorCode::AccessDenied), declare_access_denied);
        assert_eq!(denied(KvsErrorCode::NotAuthorized).len(), told.len() - declare_access_denied.len());
        assert!([KvsErrorCode::AccessDenied, KvsErrorCode::NotAuthorized].iter().all(|c| c.status() == 401));
    }
}
