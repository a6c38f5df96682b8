package mailbox

// What the application server believes that a media server keeps of one pair.
type belief int

const (
	keepsNothing belief = iota // nothing, or nothing yet
	keepsPerhaps               // something, perhaps: only a push or the media server's word can tell
	keepsSome                  // something, as the media server has said
)

// String is the belief as it is written in tests.
func (b belief) String() string { return [...]string{"nothing", "perhaps", "some"}[b] }

// maxUntold bounds the ended sessions of one letter whose number of messages the media
// server has not told yet. Media servers of others never tell.
const maxUntold = 64

// A letterState is what is known of the messages of one sender that one media server
// keeps for one recipient. It is pure: it knows no server, lock, clock or disk, and on
// returns what its owner has to do.
//
// A session is live from its begin to its end, and untold from its begin until the media
// server has said, after the session's last commit, how many messages it keeps. A word
// "0" counts if it says something about all sessions, i.e. if no other session is untold:
// the media server counts and tells in one order.
//
//	event                          nothing               perhaps             some
//	-----------------------------  --------------------  ------------------  ------------------
//	began c        live+c, untold+c  nothing             perhaps             some
//	cancelled c    live-c, untold-c  nothing             perhaps             some
//	ended c        live-c            perhaps if untold c, perhaps             some
//	                                 or else nothing
//	arrived                          some                some                some
//	kept n>0, c    untold-c          some                some                some
//	kept 0, c      untold-c          nothing             nothing if all told, nothing if all told,
//	                                                     or else perhaps     or else some
//	listed                           some                some                some
//	absent         with live         nothing             perhaps             some
//	absent         without; untold={} nothing            nothing             nothing
//	pushed         nothing new       nothing             nothing             nothing
//	pushed         something new     nothing             perhaps             some
//	refused by the device            some, waits         some, waits         some, waits
//	  and something new, or came     some                some                some
//	came, the MS tells               nothing             perhaps             some
//	came, it does not, with live     perhaps             perhaps             some
//	overdue        untold=live       nothing             perhaps             some
//
// "Something new" is what may have come since the push began: an end of an untold session,
// arrived, kept n, or listed where nothing was believed. A letter that waits is pushed only
// after came or news of a message. A letter is forgotten when it is at nothing, and no session
// is live or untold; absent and pushed have said so of ended sessions, too, where the media
// server does not tell. Every other letter at nothing becomes overdue some time after its
// last event.
type letterState struct {
	keeps   belief
	waits   bool            // for another device of the recipient
	live    map[string]bool // connections of store sessions under way
	untold  map[string]bool // connections of those that the media server has not told the outcome of
	unclear bool            // more sessions are untold than untold has
	news    uint64          // counts what may have brought a message
	comings uint64          // counts came
}

type letterEventKind int

const (
	letterBegan     letterEventKind = iota // a store session begins
	letterCancelled                        // it ends, and nobody could have sent anything in it
	letterEnded                            // it ends
	letterArrived                          // the MS: the first message of a session under way
	letterKept                             // the MS: it keeps some, after the session on connection
	letterKeptNone                         // the MS: it keeps none, after that
	letterListed                           // the MS's inventory has it
	letterAbsent                           // the MS's inventory, asked for after the last event, has it not
	letterPushed                           // a push has ended: all is delivered
	letterRefused                          // a push has ended: the device does not take the rest
	letterCame                             // the recipient has become reachable
	letterOverdue                          // the words that are still to come will not come
)

// A letterEvent is something that happens to a letter. Connection names a session, ""
// none of ours; tells says that the media server tells of its sessions' ends and first
// messages; news and comings are the state's when the push began.
type letterEvent struct {
	kind       letterEventKind
	connection string
	tells      bool
	news       uint64
	comings    uint64
}

// A letterDo is what follows from an event.
type letterDo struct {
	wake   bool // look whether something is to be pushed
	forget bool // nothing is kept, and nothing can come: the entry is to be removed
}

// on takes an event.
func (l *letterState) on(e letterEvent) letterDo {
	if l.live == nil {
		l.live, l.untold = map[string]bool{}, map[string]bool{}
	}
	before := *l
	switch e.kind {
	case letterBegan:
		l.live[e.connection], l.untold[e.connection] = true, true
	case letterCancelled:
		delete(l.live, e.connection)
		delete(l.untold, e.connection)
	case letterEnded:
		l.ended(e.connection)
	case letterArrived:
		l.found()
	case letterKept:
		delete(l.untold, e.connection)
		l.found()
	case letterKeptNone:
		l.keptNone(e.connection)
	case letterListed:
		l.listed()
	case letterAbsent:
		l.absent()
	case letterPushed:
		l.pushed(e)
	case letterRefused:
		l.keeps, l.waits = keepsSome, l.news == e.news && l.comings == e.comings
	case letterCame:
		l.came(e.tells)
	case letterOverdue:
		l.dropUntold()
	}
	return letterDo{
		wake:   l.wanted() && (!before.wanted() || l.news != before.news),
		forget: l.over(),
	}
}

// ended takes the end of a session; its messages are on disk, or are about to be.
func (l *letterState) ended(connection string) {
	delete(l.live, connection)
	if !l.untold[connection] {
		return // the media server has counted after it
	}
	l.news++
	l.waits = false
	if l.keeps == keepsNothing {
		l.keeps = keepsPerhaps
	}
	if len(l.untold)-len(l.live) > maxUntold {
		l.dropUntold()
		l.unclear = true
	}
}

// found takes the media server's word that there is a message, perhaps a new one.
func (l *letterState) found() {
	l.keeps, l.waits = keepsSome, false
	l.news++
}

// keptNone takes the media server's word that there is none after a session.
func (l *letterState) keptNone(connection string) {
	delete(l.untold, connection)
	if len(l.untold) == 0 && !l.unclear {
		l.nothing()
	}
}

// nothing notes that nothing is kept.
func (l *letterState) nothing() { l.keeps, l.waits = keepsNothing, false }

// listed takes an inventory that has the pair.
func (l *letterState) listed() {
	if l.keeps == keepsNothing {
		l.news++
	}
	l.keeps = keepsSome
}

// absent takes an inventory that has not, and was asked for after the last event.
func (l *letterState) absent() {
	if len(l.live) == 0 {
		l.nothing()
		l.dropUntold()
	}
}

// pushed takes a push that has delivered all that there was when it began.
func (l *letterState) pushed(e letterEvent) {
	if l.news != e.news {
		return
	}
	l.nothing()
	if !e.tells {
		l.dropUntold()
	}
}

// came takes the word that the recipient has become reachable, perhaps with another device.
func (l *letterState) came(tells bool) {
	l.waits = false
	l.comings++
	if !tells && len(l.live) > 0 && l.keeps == keepsNothing {
		l.keeps = keepsPerhaps
	}
}

// dropUntold awaits no word any more about sessions that have ended.
func (l *letterState) dropUntold() {
	l.unclear = false
	for c := range l.untold {
		if !l.live[c] {
			delete(l.untold, c)
		}
	}
}

// wanted reports whether a push is to be made as soon as the recipient is reachable.
func (l *letterState) wanted() bool { return l.keeps != keepsNothing && !l.waits }

// over reports whether the letter is to be forgotten.
func (l *letterState) over() bool {
	return l.keeps == keepsNothing && len(l.live) == 0 && len(l.untold) == 0 && !l.unclear
}

// lingers reports whether only words that are still to come keep the letter.
func (l *letterState) lingers() bool {
	return l.keeps == keepsNothing && len(l.live) == 0 && !l.over()
}
