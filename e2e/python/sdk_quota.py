"""The quota of streams: the server under test allows three."""

from sdk_check import aws, check, equal, main, typed

kvs = aws("kinesisvideo")


@check
def the_quota_is_exact_and_a_deletion_makes_room():
    arns = [kvs.create_stream(StreamName=f"stream-{index}")["StreamARN"] for index in range(3)]
    with typed(kvs, "AccountStreamLimitExceededException"):
        kvs.create_stream(StreamName="one-too-many")
    # A name that is taken is told as such, also at the limit.
    with typed(kvs, "ResourceInUseException"):
        kvs.create_stream(StreamName="stream-0")
    equal(len(kvs.list_streams()["StreamInfoList"]), 3, "streams")
    kvs.delete_stream(StreamARN=arns[1])
    kvs.create_stream(StreamName="fits-again")
    with typed(kvs, "AccountStreamLimitExceededException"):
        kvs.create_stream(StreamName="one-too-many")


if __name__ == "__main__":
    main()
