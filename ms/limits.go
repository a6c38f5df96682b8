package ms

import "time"

// Limits of configured values.
const (
	// minMemory is the least limits.memory, in bytes: with less a server would refuse
	// everything.
	minMemory = 32 << 20

	// maxWindow bounds PushConfig.Window: each message under way holds up to 64 KB.
	maxWindow = 256
)

// Limits of control channels.
const (
	// maxControls and maxSourceControls bound the control dialogs, in all and of one
	// application server's address. Each may have a port of its own. Those that a server
	// leaves behind when it crashes end after the setting orphan.
	maxControls       = 1024
	maxSourceControls = 512

	// maxInventories bounds the inventories that are sent at the same time, on all channels:
	// each holds a list of all recipients. Further ones wait.
	maxInventories = 4

	// maxInventoryBytes bounds the URIs of one batch, so that it fits into a request, also
	// over INFO.
	maxInventoryBytes = 16 << 10

	// maxIdentities bounds the further URIs of a sender in RestoreMsg.
	maxIdentities = 16
)

// Limits of notifications about changes that no session has made.
const (
	// storeChangeDelay is how long changes of a pair are collected for one notification.
	storeChangeDelay = 500 * time.Millisecond

	// storeChangeBatch is how many notifications go out one after the other, and
	// storeChangePause the pause between two batches: some 2,500 notifications a second.
	storeChangeBatch = 256
	storeChangePause = 100 * time.Millisecond

	// maxStoreChanges bounds the pairs that wait. The AS learns further ones from its next
	// inventory.
	maxStoreChanges = 1 << 18
)

// Limits of store sessions.
const (
	// lastWord is how long the disk may take with a message that cannot be withdrawn any
	// more. It ends before package msrp answers in our place, and with it before the sender's
	// 30 s. See RFC 4975, section 7.1.1.
	lastWord = 4 * time.Second

	// reportWait is the same for a message whose sender gets 200 meanwhile and a report
	// later, as it has asked for one.
	reportWait = time.Minute

	// maxReceipts bounds the receipts on their way in one session. Further ones are not sent:
	// the sender stores faster than it reads.
	maxReceipts = 64

	// receiptTimeout bounds how long one may be on its way.
	receiptTimeout = 10 * time.Second
)

// Limits of deliveries.
const (
	// minRate is the slowest that a message's bytes may go to a user agent, in bytes per
	// second, before the delivery counts as stuck.
	minRate = 8 << 10

	// pageSize is how many messages are looked up at a time.
	pageSize = 256

	// maxUndeleted bounds the messages that were confirmed and are not yet deleted: they are
	// sent once more after a crash.
	maxUndeleted = 1024

	// deleteTimeout bounds the wait for the disk, also when the delivery itself has ended.
	deleteTimeout = 30 * time.Second

	// maxRefusals bounds the messages that a user agent may refuse one after the other before
	// its push ends: it takes nothing now.
	maxRefusals = 32

	// maxWithheld bounds the messages of one push whose refusals are noted. Those of further
	// messages are noted when these are delivered or given up.
	maxWithheld = 1024
)

// Limits of the end of dialogs, sessions and the server, and of the admin pages.
const (
	// byeTimeout bounds the end of one SIP dialog.
	byeTimeout = 5 * time.Second

	// finishTimeout bounds the end of a session: whole messages are answered by then.
	finishTimeout = 28 * time.Second

	// listenerTimeout bounds how long the last answers may take at the end of the server.
	listenerTimeout = 2 * time.Second

	// expireEvery is the pause between two looks for expired messages.
	expireEvery = time.Minute

	// maxKept bounds the pairs on the page /store; further ones are left out.
	maxKept = 10_000
)
