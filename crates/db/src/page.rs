/// Some rows of a list, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, P> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end. A page may hold fewer rows than asked for, or none, and have a next one.
    pub next: Option<P>,
    /// Rows of this page that cannot be read and are left out.
    pub unreadable: usize,
}
