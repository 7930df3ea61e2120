"""An S3 with one empty bucket, by moto: prints its URL and ends with its input."""

import sys

import boto3
from moto.server import ThreadedMotoServer

if __name__ == "__main__":
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=url, region_name="us-east-1").create_bucket(Bucket="recordings")
    print(url, flush=True)
    sys.stdin.read()
    server.stop()
