"""Statuses that take time: the server under test delays them by a second."""

from sdk_check import aws, check, equal, eventually, main, typed

kvs = aws("kinesisvideo")


def status(arn):
    return kvs.describe_stream(StreamARN=arn)["StreamInfo"]["Status"]


@check
def a_stream_is_creating_active_updating_and_deleting():
    arn = kvs.create_stream(StreamName="slow", DataRetentionInHours=1)["StreamARN"]
    equal(status(arn), "CREATING", "status of a new stream")
    with typed(kvs, "ResourceInUseException"):
        kvs.delete_stream(StreamARN=arn)
    with typed(kvs, "ResourceNotFoundException", 404):
        kvs.get_data_endpoint(StreamARN=arn, APIName="PUT_MEDIA")
    eventually(lambda: status(arn) == "ACTIVE")
    version = kvs.describe_stream(StreamARN=arn)["StreamInfo"]["Version"]
    kvs.update_stream(StreamARN=arn, CurrentVersion=version, MediaType="audio/L16")
    equal(status(arn), "UPDATING", "status of a changed stream")
    kvs.get_data_endpoint(StreamARN=arn, APIName="PUT_MEDIA")
    eventually(lambda: status(arn) == "ACTIVE")
    kvs.delete_stream(StreamARN=arn)
    equal(status(arn), "DELETING", "status of a deleted stream")
    listed = kvs.list_streams()["StreamInfoList"]
    equal([(info["StreamName"], info["Status"]) for info in listed], [("slow", "DELETING")], "streams")
    with typed(kvs, "ResourceInUseException"):
        kvs.create_stream(StreamName="slow")

    def gone():
        try:
            status(arn)
        except kvs.exceptions.ResourceNotFoundException:
            return True
        return False

    eventually(gone)


if __name__ == "__main__":
    main()
