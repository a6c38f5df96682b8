package sim

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// A subscription is one of the application server's to a user's presence.
type subscription struct {
	user  string
	d     *dialogOf
	order chan struct{} // of capacity 1: one NOTIFY at a time
	until time.Time     // it ends then without a refresh; w.mu guards it
}

// dropExpired ends the subscriptions that were not refreshed, such as one of an application
// server that was killed. w.mu is held.
func (w *world) dropExpired() {
	maps.DeleteFunc(w.subs, func(_ string, s *subscription) bool { return !s.until.After(time.Now()) })
}

// subscribed takes a SUBSCRIBE, a first one or a refresh.
func (w *world) subscribed(m *sipMessage) {
	user := userIn(uriIn(m.get("to")))
	expires, _ := strconv.Atoi(m.get("expires"))
	w.mu.Lock()
	w.dropExpired()
	sub := w.subs[m.get("call-id")]
	w.mu.Unlock()
	tag := ""
	switch known := strings.Contains(m.get("to"), ";tag="); {
	case known && sub == nil:
		w.e.reply(m, "481 Subscription Does Not Exist", "", nil, nil)
		return
	case !known:
		tag = w.e.unique("t")
		sub = &subscription{user: user, d: &dialogOf{
			e: w.e, callID: m.get("call-id"), target: uriIn(m.get("contact")), remote: m.get("from"),
			local: m.get("to") + ";tag=" + tag, contact: "sip:presence@" + sipAddress,
		}, order: make(chan struct{}, 1), until: time.Now().Add(time.Duration(expires) * time.Second)}
		w.mu.Lock()
		w.subs[m.get("call-id")] = sub
		w.mu.Unlock()
	}
	w.e.reply(m, "200 OK", tag, []string{fmt.Sprint("Expires: ", expires), "Contact: <sip:presence@" + sipAddress + ">"}, nil)
	w.mu.Lock()
	sub.until = time.Now().Add(time.Duration(expires) * time.Second)
	w.dropExpired()
	w.mu.Unlock()
	w.work.Go(func() { w.notify(sub, expires) })
}

// notify tells of a user's presence.
func (w *world) notify(sub *subscription, expires int) {
	sub.order <- struct{}{}
	defer func() { <-sub.order }()
	w.mu.Lock()
	open := w.open[sub.user]
	w.mu.Unlock()
	state, basic := fmt.Sprintf("active;expires=%d", expires), "closed"
	if expires == 0 {
		state = "terminated;reason=timeout"
	}
	if open {
		basic = "open"
	}
	body := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="%s"><tuple id="t"><status><basic>%s</basic></status></tuple></presence>`, uriOf(sub.user), basic)
	final := sub.d.do("NOTIFY", []string{"Event: presence", "Subscription-State: " + state, "Content-Type: application/pidf+xml"}, []byte(body))
	if final == nil || final.code() == 481 {
		w.mu.Lock()
		if w.subs[sub.d.callID] == sub {
			delete(w.subs, sub.d.callID)
		}
		w.mu.Unlock()
	}
}

// register sets whether a user is registered, and tells who has subscribed.
func (w *world) register(user string, open bool) {
	w.mu.Lock()
	w.open[user] = open
	w.dropExpired()
	var subs []*subscription
	for _, s := range w.subs {
		if s.user == user {
			subs = append(subs, s)
		}
	}
	w.mu.Unlock()
	for _, s := range subs {
		w.work.Go(func() { w.notify(s, 600) })
	}
}
