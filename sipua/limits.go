package sipua

import (
	"time"

	"github.com/gomscp/gomscp/sipua/internal/sipuri"
)

// Limits and waits. T1, T2 and 64*T1 are those of RFC 3261, section 17.
const (
	// MaxCalls bounds the incoming calls of peers that are not answered yet; more are
	// refused with 503. MaxStrangerCalls and MaxStrangerCallsSource bound those of
	// admitted strangers, of all and of one source, in addition.
	MaxCalls               = 20_000
	MaxStrangerCalls       = 5_000
	MaxStrangerCallsSource = 500
	// MaxConnections bounds the TCP and TLS connections of peers; more are closed at
	// once. Config.MaxStrangers and Config.MaxStrangersSource bound those of strangers,
	// in addition.
	MaxConnections            = 10_000
	DefaultMaxStrangers       = 1_000
	DefaultMaxStrangersSource = 50
	// MaxStrangerRateSource and MaxStrangerRate bound the messages of strangers in a
	// second, of one source and of all; bursts of twice as many are allowed. Beyond that,
	// datagrams are dropped unread and TCP connections are closed.
	MaxStrangerRateSource = 200
	MaxStrangerRate       = 4_000
	// MaxHead bounds a message's headers over TCP, with its start line, in bytes;
	// a request with longer ones is refused with 513.
	MaxHead = 64 << 10
	// MaxBody is the largest body of an incoming request, in bytes; larger
	// ones are refused with 413. A response and an ACK lose such a body.
	MaxBody = 64 << 10
	// MaxMessage is the largest message over TCP that is kept in memory, in bytes.
	MaxMessage = MaxHead + MaxBody
	// MaxSkipped bounds the headers, and the body, of a refused message that are skipped
	// to keep the connection, in bytes. The connection of a larger message is closed.
	MaxSkipped = 16 << 20

	// MaxBodyParts bounds the parts of one multipart body, and MaxBodyDepth the
	// multiparts in each other; others are refused with 400.
	MaxBodyParts = 64
	MaxBodyDepth = 4
	// MaxForks bounds the branches of a forked INVITE whose first session
	// description is kept.
	MaxForks = 16
	// MaxURI bounds a URI in its canonical form, in bytes. Longer ones are refused.
	MaxURI = sipuri.Max
	// MaxWarningText bounds the text of a Warning header of ours, in bytes.
	MaxWarningText = 200

	// MaxNonces bounds the nonces whose use an Authenticator remembers.
	MaxNonces = 100_000

	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	t64     = 64 * t1
	byeWait = t64 // for the response to a BYE whose context has no end

	// defaultMinSE is the shortest session interval by default. See RFC 4028,
	// section 5.
	defaultMinSE = 90 * time.Second
	// modifyTries bounds the attempts at a re-INVITE or UPDATE that crosses the
	// peer's.
	modifyTries = 5
	// keptAcks bounds the ACKs that a dialog keeps to repeat them.
	keptAcks = 16
	// maxChallenges bounds the challenges that are answered for one request.
	maxChallenges = 4

	messageWait  = 30 * time.Second // for all of a message over TCP, from its first byte
	strangerWait = 15 * time.Second // for a stranger's first request that is let in, over TCP
	handOverWait = time.Second      // for what was read of UDP to be with its transactions

	maxLetIn      = 50_000  // admitted requests of strangers that may be repeated
	maxSources    = 10_000  // addresses that sipgo remembers before it must forget them
	firstRead     = 4 << 10 // buffer of a connection on which nothing has come, in bytes
	acceptBackoff = 50 * time.Millisecond
	strangerLines = 60 // of a kind in a minute, in the log, about strangers

	lingerWait = time.Second      // for answers, before a malformed stream is closed
	writeWait  = 10 * time.Second // for a peer to take a message over TCP

	portTries = 20               // ports tried until one is free for UDP and TCP
	startWait = 5 * time.Second  // for the sockets to be served
	dialWait  = 10 * time.Second // for an outbound TCP connection

	handshakeWait = 10 * time.Second // for a TLS handshake, in either role

	// MaxRetryAfter bounds the pause that a peer can request with Retry-After or
	// retry-after.
	MaxRetryAfter = time.Hour
	// MaxMinExpires bounds what a 423 can raise an interval to.
	MaxMinExpires = 24 * time.Hour
	// maxTooBrief bounds the attempts at one REGISTER or SUBSCRIBE that is refused
	// with 423.
	maxTooBrief = 3
	// maxEnding bounds the subscriptions that have ended here and wait for their last
	// NOTIFY. The last NOTIFY of further ones gets 481.
	maxEnding = 100_000
	// maxNotifierAddrs bounds the addresses of one notifier whose connections are
	// watched.
	maxNotifierAddrs = 16
	// otherConnectionWait is how long the response to a SUBSCRIBE may take on
	// another connection when its own has ended.
	otherConnectionWait = time.Second
	// newConnectionWait is how long the response to a SUBSCRIBE may take that is sent
	// within otherConnectionWait after a connection has ended. It has probably gone to a
	// notifier that is starting and is busy; a second SUBSCRIBE would only add work.
	newConnectionWait = 4 * time.Second
	// unsubscribeWait bounds the last requests of a subscription.
	unsubscribeWait = 2 * time.Second

	// The changes of many subscriptions get changeLines lines in the log, and then
	// one line in sum for each changeWindow.
	changeLines  = 3
	changeWindow = time.Minute
)

// timers are the waits that a test shortens.
type timers struct {
	t1, t2    time.Duration // of the repetition of our 2xx
	glareUnit time.Duration // of the pause after a 491
	minSE     time.Duration // the least session interval

	// retryMin and retryMax bound the growing pauses before a lost subscription or
	// registration is tried again; slowMin and slowMax are for causes
	// that another attempt hardly changes.
	retryMin, retryMax, slowMin, slowMax time.Duration
	// settled is how long a subscription must have lived before its pauses are short
	// again.
	settled time.Duration
	// notify is Timer N: how long after a SUBSCRIBE its NOTIFY may come. See RFC
	// 6665, section 4.1.2.4.
	notify time.Duration
	// unreadable bounds the growing pauses before a state that could not be read is
	// asked for again.
	unreadable time.Duration
	// sweepMin and sweepMax bound the growing pauses between two rounds in which all
	// subscriptions at a notifier are refreshed.
	sweepMin, sweepMax time.Duration
	// message and stranger are messageWait and strangerWait.
	message, stranger time.Duration
}

// withDefaults fills in what is not set.
func (t timers) withDefaults() timers {
	for _, x := range []struct {
		field *time.Duration
		value time.Duration
	}{{&t.t1, t1}, {&t.t2, t2}, {&t.glareUnit, 10 * time.Millisecond}, {&t.minSE, defaultMinSE},
		{&t.retryMin, time.Second}, {&t.retryMax, time.Minute}, {&t.slowMin, time.Minute}, {&t.slowMax, time.Hour},
		{&t.settled, time.Minute}, {&t.notify, t64}, {&t.unreadable, 10 * time.Minute},
		{&t.sweepMin, 10 * time.Second}, {&t.sweepMax, 10 * time.Minute},
		{&t.message, messageWait}, {&t.stranger, strangerWait},
	} {
		if *x.field == 0 {
			*x.field = x.value
		}
	}
	return t
}
