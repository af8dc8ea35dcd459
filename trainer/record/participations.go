package record

import (
	"fmt"
	"math"
)

// Participations is where the players of a gate are, coarse enough for a line of metrics.
type Participations struct {
	// Histogram counts the players that are present, by their participation in
	// [ParticipationClasses] equal classes from 0 to 1.
	Histogram []int `json:"histogram"`
	// Levels has a byte for each player at the start: 0 for a removed one, else from 1, which
	// does not participate, to 255, which does so fully. Absent of a gate with more than
	// [MostLevels] players.
	Levels []byte `json:"levels,omitempty"`
}

const (
	ParticipationClasses = 20
	MostLevels           = 4096
)

// NewParticipations returns where the players of a gate are that had so many at the start.
// The participation of player present[i] is s[i], from 0 to 1; nil: all are present.
func NewParticipations(players int, present []int, s []float64) Participations {
	p := Participations{Histogram: make([]int, ParticipationClasses)}
	if players <= MostLevels {
		p.Levels = make([]byte, players)
	}
	for i, x := range s {
		player := i
		if present != nil {
			player = present[i]
		}
		x = min(max(x, 0), 1)
		p.Histogram[min(int(x*ParticipationClasses), ParticipationClasses-1)]++
		if p.Levels != nil {
			p.Levels[player] = byte(1 + math.Round(254*x))
		}
	}
	return p
}

// Level returns the participation that a level means, and whether the player is present.
func Level(level byte) (participation float64, present bool) {
	return float64(max(level, 1)-1) / 254, level > 0
}

// CheckParticipations says in which way p is not about gates with so many players.
func CheckParticipations(p []Participations, players []int) error {
	if p != nil && len(p) != len(players) {
		return fmt.Errorf("there are participations of %d gates of %d", len(p), len(players))
	}
	for g, gate := range p {
		if len(gate.Histogram) != ParticipationClasses || gate.Levels != nil && len(gate.Levels) != players[g] {
			return fmt.Errorf("the participations of gate %d are in %d classes and of %d players; it has %d, and there are %d classes",
				g, len(gate.Histogram), len(gate.Levels), players[g], ParticipationClasses)
		}
		for _, n := range gate.Histogram {
			if n < 0 || n > players[g] {
				return fmt.Errorf("a class of participations of gate %d has %d of %d players", g, n, players[g])
			}
		}
	}
	return nil
}
