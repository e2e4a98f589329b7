"""The shapes of the contract by short names, as pages ask for them."""

from spotloom.contract.batches import BatchStatus
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination

batch_status = BatchStatus.of
campaign = Campaign.of
combination = Combination.of
