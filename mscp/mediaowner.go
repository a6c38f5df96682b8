package mscp

import (
	"context"
	"fmt"
)

// An Owner is one AS at a MediaServer. What it creates is its own: its
// notifications go to it, nobody else commands it, and its end gives all of it
// back. See section 3.1.
type Owner struct {
	m      *MediaServer
	notify func(Element)
}

// Owner makes one for an AS, which is told of its dialogs by notify, as
// [Server].Notify does, in their order; nil tells nothing. Handle and Notified
// are for the AS's channels, and Close for its end.
func (m *MediaServer) Owner(notify func(Element)) *Owner { return &Owner{m, notify} }

// ownerKey is where a ctx has the *Owner of a request.
type ownerKey struct{}

func ownerOf(ctx context.Context) *Owner {
	o, _ := ctx.Value(ownerKey{}).(*Owner)
	return o
}

// Handle is a [Handler]: [MediaServer.Handle] for this owner. What another owns
// does not exist for it.
func (o *Owner) Handle(ctx context.Context, req Element) (Element, error) {
	if id := o.m.strange(o, req); id != "" { // [MSCP-3.1-2]
		return refused(Refuse(req, fmt.Sprintf("nothing is identified by %s", id)))
	}
	return o.m.Handle(context.WithValue(ctx, ownerKey{}, o), req)
}

// Notified is [MediaServer.Notified] for this owner.
func (o *Owner) Notified(e Element) {
	if o.m.strange(o, e) == "" { // [MSCP-3.1-2]
		o.m.Notified(e)
	}
}

// strange is the first id in e of a dialog or conference that another owns, or "".
func (m *MediaServer) strange(o *Owner, e Element) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range appendTargets(nil, e) {
		if d := m.dialogs[id]; d != nil && d.owner != o {
			return id
		}
		if _, there := m.conferences[id]; there && m.owners[id] != o {
			return id
		}
	}
	return ""
}

// Close ends the dialogs and conferences of an AS that is gone, and tells it
// nothing. ctx is for MediaFunctions.DestroyConference.
func (o *Owner) Close(ctx context.Context) {
	m := o.m
	m.mu.Lock()
	ended := m.takeDialogs(func(d *dialog) bool { return d.owner == o })
	var conferences []string
	for id, owner := range m.owners {
		if owner == o && m.conferences[id] {
			conferences = append(conferences, id)
		}
	}
	m.mu.Unlock()
	for _, d := range ended {
		m.endDialog(d.Dialog, true)
	}
	for _, id := range conferences {
		m.destroy(ctx, &DestroyConference{ConferenceID: id})
	}
}
