package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
)

// CertificateSchema is the number of the layout of equilibrium.json. It goes up
// when a field changes its meaning or goes away. Certificates of schema 1 do not name
// gates. Those of schema 1 and 2 are of a market without interaction between players:
// what they say of its equilibrium is not read.
const CertificateSchema = 3

// Certificate is what equilibrium.json holds: how far the game was from a Nash
// equilibrium, and on what that rests. The market's is about the rounds that were checked:
// what their players played, in the game of interactions measured on other samples, at its
// clearing price. The paper's is about its end, with gradients over the whole training
// part.
type Certificate struct {
	Schema int       `json:"schema"`
	Game   game.Kind `json:"game"`

	// The relative gap is the gains of all players over what is at stake; that of the
	// paper's game in schemas 1 and 2 is over what full participation would bring. In the paper's
	// game an equilibrium is claimed where it is below the bound, in the market where that
	// of the model holds and that of the network does not fail.
	Bound       float64 `json:"bound,omitempty"`
	RelativeGap float64 `json:"relative_gap"`
	Claimed     bool    `json:"claimed"`
	game.Certificate
	Model       *ModelClaim `json:"model,omitempty"`        // of the market
	MostTempted *PlayerName `json:"most_tempted,omitempty"` // whose gain is the largest gap, in the last round that was checked

	// SpectralRadius is that of the Jacobian of all best responses of the paper's game, the
	// largest of the layers: below 1, a small change of participations dies out, above 1 it
	// grows. Absent where a layer's is.
	SpectralRadius *float64 `json:"spectral_radius,omitempty"`

	Layers  []CertifiedLayer  `json:"layers"`            // of the market: in the last round that was checked
	Rounds  []RoundLine       `json:"rounds,omitempty"`  // of the market
	BidAsk  *BidAsk           `json:"bid_ask,omitempty"` // of the market, where it was measured
	Players []CertifiedPlayer `json:"all_players"`       // by layer and index
}

// ModelClaim says whether the rounds of a market that were checked are equilibria of the
// game of their interactions.
type ModelClaim struct {
	Verdict Verdict `json:"verdict"`
	Closed  bool    `json:"closed"` // the market came to its demand
	Checks  int     `json:"rounds_checked"`
	// Ratio is that of the relative gap to the one that is to be expected of a play on a
	// sample, the geometric mean over the rounds, with its interval of 95 %. Absent where
	// no round was checked.
	Ratio *Interval `json:"gap_over_expected,omitempty"`
}

// LargestRatio is what the ratio must not exceed, in all of its interval, for the claim
// to hold. On MNIST markets have 0.8 to 1.3, and a lottery 6 to 12 (testdata/mnist).
const LargestRatio = 3

// RefusedRatio is what the ratio must exceed, in all of its interval, for the claim to fail.
const RefusedRatio = 1.5

// Conclude fills in the verdict. A market that is not closed fails.
func (m *ModelClaim) Conclude() {
	switch {
	case !m.Closed || m.Ratio != nil && m.Ratio.Low > RefusedRatio:
		m.Verdict = Fails
	case m.Ratio != nil && m.Ratio.High <= LargestRatio:
		m.Verdict = Holds
	default:
		m.Verdict = Undecided
	}
}

// PlayerName names a player by the place of its gate, from 0, which in a multilayer
// perceptron is its hidden layer, and by its index in the gate at the start.
type PlayerName struct {
	Layer int `json:"layer"`
	Index int `json:"index"`
}

func (p PlayerName) String() string { return fmt.Sprintf("%d:%d", p.Layer, p.Index) }

// CertifiedLayer is a gate in the state that is certified.
type CertifiedLayer struct {
	Gate    string  `json:"gate"` // its name
	Players int     `json:"players"`
	Gap     float64 `json:"gap"` // the gains of its players, added

	// Of the market: the price that clears the demand, a player's cost where all gates
	// share one price, the participations at the equilibrium, added, the largest eigenvalue
	// of H in the form of correlations, and the potential where players are and at the
	// equilibrium.
	Price     float64 `json:"price"`
	Cost      float64 `json:"cost,omitempty"`
	Demand    int     `json:"demand"`
	Supply    float64 `json:"supply"`
	Lambda    float64 `json:"lambda,omitempty"`
	Potential float64 `json:"potential,omitempty"`
	Best      float64 `json:"potential_at_equilibrium,omitempty"`

	// Of the paper's game: the spectral radius, absent where it was not worked out, and the
	// mean of |theta|^2 over the players.
	SpectralRadius  *float64 `json:"spectral_radius,omitempty"`
	MeanSquaredNorm float64  `json:"mean_squared_norm,omitempty"`
}

// CertifiedPlayer is a player with its account: in the round of its removal or, of a
// player that stays, in the last round with removals; in the paper's game at the end.
type CertifiedPlayer struct {
	PlayerName
	Reason game.Reason `json:"reason"`
	Round  int         `json:"round"` // in which it was removed, from 1; 0 for a kept player
	Epoch  int         `json:"epoch"` // in which it was removed, from 1; 0 for a kept player
	game.Account
}

// Write writes the certificate as indented JSON.
func (c *Certificate) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return encoder.Encode(c)
}

// Player returns the player of a name, or nil if there is none.
func (c *Certificate) Player(name PlayerName) *CertifiedPlayer {
	i, found := slices.BinarySearchFunc(c.Players, name, func(p CertifiedPlayer, name PlayerName) int { return p.compare(name) })
	if !found {
		return nil
	}
	return &c.Players[i]
}

func (p PlayerName) compare(q PlayerName) int {
	if p.Layer != q.Layer {
		return p.Layer - q.Layer
	}
	return p.Index - q.Index
}

// ReadCertificate reads what a run wrote to equilibrium.json, one round and one player at
// a time. The memory that it takes is bounded by a constant times the length of the text.
// Its errors say in which way the text is not one that a run writes.
func ReadCertificate(from io.Reader) (*Certificate, error) {
	c := new(Certificate)
	if err := c.decode(json.NewDecoder(from)); err != nil {
		return nil, backend.PlainJSON(err)
	}
	switch {
	case c.Game == game.PaperGame && (c.Schema == 1 || c.Schema == 2): // only names of gates have changed
		if c.Schema == 1 {
			for l := range c.Layers {
				c.Layers[l].Gate = PerceptronGate(l)
			}
		}
		c.Schema = CertificateSchema
	case c.Schema != CertificateSchema:
		return nil, fmt.Errorf("it has schema %d and this program knows %d, since its market has changed: read it with the program that wrote it", c.Schema, CertificateSchema)
	}
	if c.Game != game.MarketGame && c.Game != game.PaperGame {
		return nil, fmt.Errorf("%.40q is no game", c.Game)
	}
	for _, r := range c.Rounds {
		if layers := len(c.Layers); len(r.Prices) != layers || len(r.Demand) != layers || len(r.Supply) != layers || len(r.Players) != layers {
			return nil, fmt.Errorf("round %d is not about %d layers", r.Round, layers)
		}
	}
	next := PlayerName{0, 0}
	for _, p := range c.Players {
		if p.PlayerName != next && (next.Index == 0 || p.PlayerName != PlayerName{next.Layer + 1, 0}) {
			return nil, fmt.Errorf("player %s is not where it belongs", p.PlayerName)
		}
		next = PlayerName{p.Layer, p.Index + 1}
	}
	if len(c.Players) == 0 || next.Layer != len(c.Layers)-1 {
		return nil, fmt.Errorf("its players are not those of %d layers", len(c.Layers))
	}
	if c.Model == nil != (c.Game != game.MarketGame) {
		return nil, errors.New("it must say of a market, and of no other game, whether the model holds")
	}
	if m := c.Model; m != nil {
		if m.Checks < 0 || (m.Checks > 0) != (m.Ratio != nil) {
			return nil, fmt.Errorf("the model has a ratio of %d rounds checked; it must have one of one round or more, and of no other", m.Checks)
		}
		concluded := *m
		concluded.Conclude()
		switch {
		case m.Ratio != nil && !m.Ratio.ordered():
			return nil, fmt.Errorf("the interval of the model's ratio is %v; it must hold its mean", *m.Ratio)
		case concluded.Verdict != m.Verdict:
			return nil, fmt.Errorf("the verdict on the model is %.40q; by its numbers it must be %q", m.Verdict, concluded.Verdict)
		}
	}
	if c.BidAsk != nil {
		if err := c.BidAsk.check(); err != nil {
			return nil, err
		}
	}
	if m := c.MostTempted; m != nil && c.Player(*m) == nil {
		return nil, fmt.Errorf("there is no player %s to be tempted", m)
	}
	return c, nil
}

// decode reads the fields of a certificate. What is not one of the long lists is put
// together first.
func (c *Certificate) decode(d *json.Decoder) error {
	if start, err := d.Token(); err != nil {
		return err
	} else if start != json.Delim('{') {
		return errors.New("it is no JSON object, and a run writes one")
	}
	short := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		switch name {
		case "rounds":
			err = decodeList(d, &c.Rounds)
		case "all_players":
			err = decodeList(d, &c.Players)
		default:
			var value json.RawMessage
			err = d.Decode(&value)
			short[name.(string)] = value // keys are strings
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	text, err := json.Marshal(short)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, c)
}

// decodeList reads a JSON list one element at a time and stops at the first that says
// nothing, so that a short text cannot ask for much memory.
func decodeList[T interface{ check() error }](d *json.Decoder, into *[]T) error {
	if start, err := d.Token(); err != nil || start == nil {
		return err // null is no list, and no error
	} else if start != json.Delim('[') {
		return errors.New("rounds and players are lists")
	}
	for d.More() {
		var element T
		if err := d.Decode(&element); err != nil {
			return err
		}
		if err := element.check(); err != nil {
			return err
		}
		*into = append(*into, element)
	}
	_, err := d.Token()
	return err
}

func (p CertifiedPlayer) check() error {
	if p.Reason == game.RankedOut || !slices.Contains(game.Reasons, p.Reason) {
		return fmt.Errorf("player %s has the reason %.40q, which no game has", p.PlayerName, p.Reason)
	}
	return nil
}
