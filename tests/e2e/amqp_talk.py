#!/usr/bin/env python3
"""Talks to RabbitMQ: amqp_talk.py PORT CA PASSWORD WHAT. What is sent is checked to come back."""
import ssl
import sys

import pika

port, ca, password, what = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def connect(secret=password):
    return pika.BlockingConnection(pika.ConnectionParameters(
        "localhost", port, credentials=pika.PlainCredentials("guest", secret), heartbeat=60,
        ssl_options=pika.SSLOptions(ssl.create_default_context(cafile=ca), "localhost")))


def body(n):
    return b'{"id": %d, "text": "%s"}' % (n, b"x" * (n * 97 % 2000))


def publish(channel, n, **more):
    channel.basic_publish("orders", "order.%d" % n, body(n), pika.BasicProperties(
        content_type="application/json", message_id="m-%d" % n, delivery_mode=1,
        headers={"number": n, "colour": "red"}), **more)


def confirmed():
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("orders", "topic")
    channel.queue_declare("jobs")
    channel.queue_bind("jobs", "orders", "order.*")
    channel.confirm_delivery()
    for n in range(20):
        publish(channel, n)
    channel.basic_publish("orders", "order.large", b"L" * 300000)
    try:
        channel.basic_publish("", "nowhere", b"back to sender", mandatory=True)
        sys.exit("it was routed")
    except pika.exceptions.UnroutableError:
        pass
    connection.close()


def consumed():
    connection = connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=5)
    seen = []
    for method, properties, data in channel.consume("jobs", inactivity_timeout=10):
        if method.routing_key == "order.large":
            assert data == b"L" * 300000
            channel.basic_reject(method.delivery_tag, requeue=False)
            break
        n = properties.headers["number"]
        assert data == body(n) and properties.message_id == "m-%d" % n
        seen.append(n)
        if n % 2:
            channel.basic_ack(method.delivery_tag)
        else:
            channel.basic_nack(method.delivery_tag, requeue=False)
    assert seen == list(range(20)), seen
    channel.cancel()
    assert channel.basic_get("jobs")[0] is None
    try:
        channel.queue_declare("missing", passive=True)
        sys.exit("it is there")
    except pika.exceptions.ChannelClosedByBroker:
        pass
    connection.close()


def refused():
    try:
        connect("wrong-" + password)
        sys.exit("it was let in")
    except pika.exceptions.ProbableAuthenticationError:
        pass


{"confirmed": confirmed, "consumed": consumed, "refused": refused}[what]()
