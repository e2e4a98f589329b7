"""From what the campaigns' room tells to the shapes of the contract, by short names for the pages."""

from spotloom.contract.batches import BatchStatus
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination

batch_status = BatchStatus.of
campaign = Campaign.of
combination = Combination.of
