"""The methods that both clients have, each told once as a call."""

from spotloom.client import batches, standing
from spotloom.client.call import Listing, Operation


class Operations:
    """The methods of both clients; those that begin with `each` go through all pages."""

    vocabulary = Operation(batches.vocabulary)
    models = Operation(batches.models)
    plan = Operation(batches.plan)
    submit = Operation(batches.submit)
    campaigns, each_campaign = Operation(batches.campaigns), Listing(batches.campaigns)
    campaign = Operation(batches.campaign)
    delete_campaign = Operation(batches.delete_campaign)
    batch = Operation(batches.batch)
    cancel = Operation(batches.cancel)
    pause = Operation(batches.pause)
    resume = Operation(batches.resume)
    retry = Operation(batches.retry)
    prioritise = Operation(batches.prioritise)
    resolve = Operation(batches.resolve)
    combinations, each_combination = Operation(batches.combinations), Listing(batches.combinations)
    combination = Operation(batches.combination)
    edit = Operation(batches.edit)
    approve = Operation(batches.approve)
    reject = Operation(batches.reject)
    link = Operation(standing.link)
    queue = Operation(standing.queue)
    edit_lane = Operation(standing.edit_lane)
    budget = Operation(standing.budget)
    edit_budget = Operation(standing.edit_budget)
    hooks = Operation(standing.hooks)
    add_hook = Operation(standing.add_hook)
    edit_hook = Operation(standing.edit_hook)
    delete_hook = Operation(standing.delete_hook)
    deliveries, each_delivery = Operation(standing.deliveries), Listing(standing.deliveries)
    redeliver = Operation(standing.redeliver)
    audit, each_entry = Operation(standing.audit), Listing(standing.audit)
