"""Imports every table, so that Alembic and tests know the whole schema."""

import contracts.aggregates.tables
import contracts.agreements.tables
import contracts.amendments.tables
import contracts.anchors.tables
import contracts.applications.tables
import contracts.bars.tables
import contracts.billing.tables
import contracts.coordinator.tables
import contracts.crawlers.tables
import contracts.credentials.tables
import contracts.datasets.tables
import contracts.deliveries.tables
import contracts.forms.tables
import contracts.gate.tables
import contracts.health.tables
import contracts.incidents.tables
import contracts.keys
import contracts.ledger.tables
import contracts.lifecycle.once
import contracts.lifecycle.tables
import contracts.members.tables
import contracts.notices.tables
import contracts.people.factor_tables
import contracts.people.tables
import contracts.policies.tables
import contracts.quotas.tables
import contracts.sandbox.tables
import contracts.search.tables
import contracts.signatories.tables
import contracts.signing.tables
import contracts.store.epochs
import contracts.store.inbox
import contracts.store.outbox
import contracts.uploads.tables
import contracts.visits.tables
import contracts.webhooks.tables  # noqa: F401 - imported for its tables, as all above
