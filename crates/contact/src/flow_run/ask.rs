use tympan_flow::{CallbackSpec, HoldState, QueueTarget, ResourceRef, ThirdPartyCall};

/// What a block asks of the conversation: it is about more than its participant.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Call a third party and join it with the customer.
    CallThirdParty(ThirdPartyCall),
    /// Out of this queue and into another.
    ChangeQueue(QueueTarget),
    /// Have a queue call the customer back.
    CreateCallback(CallbackSpec),
    /// Call the customer, who has not been called yet.
    DialCustomer {
        /// The number that the customer sees.
        caller_id: Option<String>,
    },
    /// Into the queue that the contact is meant for.
    EnterQueue,
    /// Offer the queued contact to this agent.
    RouteToAgent(ResourceRef),
    /// Parties of the contact on hold, or off.
    SetHold(HoldState),
}
