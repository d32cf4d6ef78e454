//! A side array that grows by whole chunks.
//!
//! A `Vec` that doubles at ten million elements copies (or remaps) all of them inside one push; here growth allocates
//! and fills one chunk of [`CHUNK`] elements, whatever the length. The price is one more load an access, from a
//! pointer table small enough to stay in the first caches (10 M elements: 10 KB). It never shrinks.

/// Elements in one chunk.
pub const CHUNK: usize = 1 << 13;

/// An array of `T` in chunks; elements not yet written hold the fill value.
#[derive(Debug, Clone)]
pub struct Chunked<T> {
    chunks: Vec<Box<[T; CHUNK]>>,
    fill: T,
}

impl<T: Copy> Chunked<T> {
    /// An empty array whose new elements will be copies of `fill`.
    pub fn new(fill: T) -> Self {
        Self {
            chunks: Vec::new(),
            fill,
        }
    }

    /// The number of elements that exist (a multiple of [`CHUNK`]).
    pub fn len(&self) -> usize {
        self.chunks.len() * CHUNK
    }

    /// Whether no element exists yet.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Makes element `index` exist. O(1) if it does, else one chunk's fill for each chunk missing.
    #[inline]
    pub fn reach(&mut self, index: u32) {
        if index as usize >= self.len() {
            self.grow(index as usize);
        }
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        while index >= self.len() {
            let Ok(chunk) = vec![self.fill; CHUNK].into_boxed_slice().try_into() else {
                unreachable!("a chunk is made with exactly CHUNK elements")
            };
            self.chunks.push(chunk);
        }
    }

    /// The element, or `None` if it does not exist yet.
    #[inline]
    pub fn get(&self, index: u32) -> Option<&T> {
        self.chunks
            .get(index as usize / CHUNK)
            .map(|chunk| &chunk[index as usize % CHUNK])
    }

    /// The element to change, or `None` if it does not exist yet.
    #[inline]
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.chunks
            .get_mut(index as usize / CHUNK)
            .map(|chunk| &mut chunk[index as usize % CHUNK])
    }
}

impl<T> std::ops::Index<u32> for Chunked<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: u32) -> &T {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }
}

impl<T> std::ops::IndexMut<u32> for Chunked<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }
}
