"""A small faithful fake of the Stripe endpoints that `contracts.billing.stripe_port` calls, as a real web server.

It stands in where no Stripe key is set, and the port's tests run against it. What it knows it answers as Stripe does, strictly: an
unknown parameter, a reused identifier or a reused idempotency key is refused with Stripe's own error. It makes no invoices.
"""
