"""A Kafka broker of one's own, for demonstrations, tests and benchmarks: started here, thrown away afterwards."""

from streams.broker.choose import Broker, GivenBroker, start_broker
from streams.broker.container import ContainerBroker
from streams.broker.jars import KAFKA_VERSION, kafka_jars
from streams.broker.local import LocalBroker

__all__ = ["KAFKA_VERSION", "Broker", "ContainerBroker", "GivenBroker", "LocalBroker", "kafka_jars", "start_broker"]
