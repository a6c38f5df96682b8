package store

// outsidePairs are the pairs for which a batch changes what is to be delivered in
// another way than by a message of a Writer or by Delete, and with all those that it
// changes at all. It is called before the index has the changes.
func (s *Store) outsidePairs(batch []job, all bool) (list []Pair) {
	if s.changed == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	seen := map[Pair]bool{}
	add := func(recipient, sender string) {
		if p := (Pair{Recipient: recipient, Sender: sender}); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	for _, j := range batch {
		if all || j.base().outside {
			j.changes(&s.index, add)
		}
	}
	return list
}

// pairsOf calls add for the recipient and sender of each message that is kept.
func (x *index) pairsOf(ids []ID, add func(recipient, sender string)) {
	for _, id := range ids {
		if p, _ := x.find(id); p != nil {
			add(p.inbox.recipient, p.sender)
		}
	}
}

// tellChanged hands pairs to Options.Changed.
func (s *Store) tellChanged(list []Pair) {
	for _, p := range list {
		s.changed(p.Recipient, p.Sender)
	}
}
