"""What we ourselves did while an outcome was awaited, and what the outcome would have been had we done nothing.

Belongs here: the record of it beside the labels, the effect of plays, labels without plays. Does not belong here:
deciding (``ml.actions``), any one model.

The danger. A play goes to customers at risk and keeps them; the next training sees people of high risk who stay and
unlearns the risk; tomorrow nobody is treated. A score must mean the risk *if no play were sent*.

What does not help. The number of plays received as a feature: who comes back early gets fewer of them, who buys gets a
thank-you, so that it tells the outcome and not the effect. Learning only from the untreated: whom no play was decided
for in the window are those who did well in it. Learning only from the holdout: it is one customer in twenty.

What does. Arms are drawn by a salted hash, and a decision is entered in the ledger whatever the arm. So whether and
when a first play is decided after an as-of is the same in all arms, and among those for whom one was decided the arm is
independent of everything: the contrast of treatment with holdout and control is the effect (``effects``), whatever made
the decision. With it the labels of the treated are set to what is to be expected without plays: a yes-or-no by the
effect on its log-odds (``effects``, ``labels``), an amount by its multiple (``amounts``). All that learns, weighs,
levels and judges then reads labels as it always did; scoring needs to know of no play, and no feature and no reason can
be a treatment. Where no play was decided, nothing is touched, to the byte.

What it assumes. A decision that was not carried out counts as one that was (intention-to-treat). The effect of a play
on the log-odds, or its multiple, is the same for all. Arms are frozen, so those left alone today were left alone
before: what earlier plays did to a customer is a part of the customer, in features and in outcomes. For amounts, whose
features are past amounts, those treated are held against those left alone ever since. Messages that are no play of ours
belong to the world.
"""
