"""review: submissions, notes and reviewers of applications, and what is known of each one's course"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0020'
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('application_note',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('application_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('application_note', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_application_note_application_id'), ['application_id'], unique=False)

    op.create_table('application_reviewer',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('application_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('account_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('part', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], ),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('application_id', 'account_id')
    )
    with op.batch_alter_table('application_reviewer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_application_reviewer_application_id'), ['application_id'], unique=False)

    op.create_table('application_submission',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('application_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('content', sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    sa.Column('content_sha256', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('submitted_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], ),
    sa.ForeignKeyConstraint(['submitted_by'], ['account.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('application_id', 'number')
    )
    with op.batch_alter_table('application_submission', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_application_submission_application_id'), ['application_id'], unique=False)

    with op.batch_alter_table('application', schema=None) as batch_op:
        batch_op.add_column(sa.Column('decision_code', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('answer_by', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('days_left', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('reminded', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('handler', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('checked_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('checked_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('basis', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('basis_content', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('basis_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column('appealed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('declined_by', sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.create_foreign_key('fk_application_handler', 'account', ['handler'], ['id'])
        batch_op.create_foreign_key('fk_application_declined_by', 'account', ['declined_by'], ['id'])
        batch_op.create_foreign_key('fk_application_basis_by', 'account', ['basis_by'], ['id'])
        batch_op.create_foreign_key('fk_application_checked_by', 'account', ['checked_by'], ['id'])



def downgrade() -> None:
    with op.batch_alter_table('application', schema=None) as batch_op:
        batch_op.drop_constraint('fk_application_checked_by', type_='foreignkey')
        batch_op.drop_constraint('fk_application_basis_by', type_='foreignkey')
        batch_op.drop_constraint('fk_application_declined_by', type_='foreignkey')
        batch_op.drop_constraint('fk_application_handler', type_='foreignkey')
        batch_op.drop_column('declined_by')
        batch_op.drop_column('appealed_at')
        batch_op.drop_column('basis_by')
        batch_op.drop_column('basis_content')
        batch_op.drop_column('basis')
        batch_op.drop_column('checked_by')
        batch_op.drop_column('checked_at')
        batch_op.drop_column('handler')
        batch_op.drop_column('reminded')
        batch_op.drop_column('days_left')
        batch_op.drop_column('answer_by')
        batch_op.drop_column('changed_at')
        batch_op.drop_column('decision_code')

    with op.batch_alter_table('application_submission', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_application_submission_application_id'))

    op.drop_table('application_submission')
    with op.batch_alter_table('application_reviewer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_application_reviewer_application_id'))

    op.drop_table('application_reviewer')
    with op.batch_alter_table('application_note', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_application_note_application_id'))

    op.drop_table('application_note')
