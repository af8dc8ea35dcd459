// Package network holds what a network is: a graph of operators, the axes that
// their tensors share, the players on these axes, and float32 parameters.
//
// A [Graph] is a list of nodes in the order in which they compute. Each node
// applies an [Op] to the outputs of earlier nodes. One file op_KIND.go holds
// everything that this package knows of an operator: shapes, parameters, which
// axes have the same entries, its work, and its float64 evaluation with rounding
// bounds and gradient. A new operator is one such file and one line in [ops].
//
// # Axis classes
//
// Every dimension of every node's output is an axis with as many entries as the
// dimension is long. Operators say which entries are the same ([Tie]): an add ties
// all entries of its inputs, a concat ties them at an offset, a flatten makes a
// channel the parent of a block of features. Union-find over these ties gives
// units: sets of entries that can only be removed together. Units that lie on the
// same axes form a [Class]. Removing a unit removes its entries everywhere: rows
// and columns of weights, biases, and, where it is a parent, its children. That is
// the whole of structured removal, and no other place in this package knows it. A depthwise
// convolution ties its input to its output. Other groups of a convolution tie the channels of
// all groups, which so have no gate.
//
// # Gates
//
// A [Gate] gives every unit of a class a participation s in [0, 1]. It multiplies
// the output of every producer of the class, the operator that creates the axis,
// before any sum or activation: z = s u. A stream that several producers write to
// is so scaled once and not once a block, and s = 0 makes its entries exactly zero,
// since every activation is 0 at 0. A batch norm undoes any scaling before it, and makes
// something of zeros. So it counts as a producer, and one that alone reads a producer takes
// its gate over. [Network.Fold] moves s into the producers' rows or, of inputs and features,
// into the columns of their consumers.
//
// Features are the children that a flatten makes of channels. As players they leave with
// their channel or before it.
//
// A branch as a player ([WithBranches]) has a node of its own at its end, a [Branch], whose only
// unit is the parent of the units within. Its gate scales all that the branch adds. When it is
// removed, the nodes of the branch stay in the graph without parameters, so that gates keep
// their places; engines leave them out, and [Network.WithoutBranches] takes them out of what
// is written.
//
// # Training steps
//
// A batch norm and a dropout compute otherwise in a training step ([Batched]). Running
// means and variances are parameters that are not trained: they are pulled, pushed, cut and
// saved like others, and counted nowhere.
//
// # Evaluation
//
// [Values.Forward] and, of training steps, [Values.Training] are the reference of every
// backend: plain float64 loops, with bounds on what float32 may add, gradients, and the
// contribution of every player.
package network
