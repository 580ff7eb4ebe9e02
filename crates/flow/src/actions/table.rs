//! The rows, by category.

mod contact;
mod flow_control;
mod interactions;
mod participant;
mod rows;

use super::Action;

/// Every row, in the order of the reference.
pub(super) static ACTIONS: [Action; COUNT] = {
    let mut all = [participant::ROWS[0]; COUNT];
    let mut next = 0;
    let mut category = 0;
    while category < CATEGORIES.len() {
        let mut row = 0;
        while row < CATEGORIES[category].len() {
            all[next] = CATEGORIES[category][row];
            row += 1;
            next += 1;
        }
        category += 1;
    }
    all
};

const CATEGORIES: [&[Action]; 4] = [participant::ROWS, flow_control::ROWS, interactions::ROWS, contact::ROWS];

const COUNT: usize =
    participant::ROWS.len() + flow_control::ROWS.len() + interactions::ROWS.len() + contact::ROWS.len();
