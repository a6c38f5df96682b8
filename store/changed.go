package store

// outsidePairs returns the pairs for which Options.Changed is called after a batch. With
// all, it returns all pairs that the batch changes. It must be called before the index
// has the changes.
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

// tellChanged calls Options.Changed for each pair.
func (s *Store) tellChanged(list []Pair) {
	for _, p := range list {
		s.changed(p.Recipient, p.Sender)
	}
}
