package directory

import (
	"iter"
	"time"
)

// An Entry is one entry of the directory, as an operator sees it: messages from
// Sender to Recipient are, or may be, with the media server of that name.
type Entry struct {
	Recipient   string    `json:"recipient"`
	Sender      string    `json:"sender"`
	MediaServer string    `json:"media_server"`
	Since       time.Time `json:"since"`
	// Channel is that of the media server's control channel: up, down or not
	// configured; "" where no server runs that could tell.
	Channel string `json:"channel,omitempty"`
	// Reachable reports whether the recipient is, and Next when the next attempt to
	// deliver is due; neither is known where no server runs.
	Reachable *bool     `json:"reachable,omitempty"`
	Next      time.Time `json:"next,omitzero"`
}

// Entries are the entries of the directory that are for a recipient, from a sender
// and with a media server; "" is any of them. They are read in pieces, so that what
// changes meanwhile may be there or not.
func (d *Directory) Entries(recipient, sender, server string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		last := Pair{Recipient: recipient}
		for {
			page, err := d.Page(last, pageSize)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, p := range page {
				last = p
				if recipient != "" && p.Recipient != recipient {
					return // they are ordered by recipient
				}
				if sender != "" && p.Sender != sender || server != "" && p.Server != server {
					continue
				}
				if !yield(Entry{Recipient: p.Recipient, Sender: p.Sender, MediaServer: p.Server, Since: p.Since}, nil) {
					return
				}
			}
		}
	}
}
