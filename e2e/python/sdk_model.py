"""Prints the operations of Kinesis Video Streams that boto3 knows, and the errors that the model of each names."""

import json

import botocore.session

SERVICES = ["kinesisvideo", "kinesis-video-media", "kinesis-video-archived-media"]

if __name__ == "__main__":
    session = botocore.session.get_session()
    models = [session.get_service_model(service) for service in SERVICES]
    operations = [model.operation_model(name) for model in models for name in model.operation_names]
    print(json.dumps({operation.name: [error.name for error in operation.error_shapes] for operation in operations}))
